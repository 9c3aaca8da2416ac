// Wiring of the dictionary: its sources in their order, the caches before them, the routes.
import type { Kernel } from "../../kernel/index.ts";
import type { Projects } from "../projects/index.ts";
import type { Texts } from "../texts/index.ts";
import { createDefinitions } from "./definitions.ts";
import { createFindFrequentWords } from "./frequent-words.ts";
import { createGrammar } from "./grammar.ts";
import { dictionaryRoutes } from "./http.ts";
import { createOffline } from "./offline.ts";
import { createOutsideDictionary } from "./outside-dictionary.ts";
import { createRefreshing } from "./refreshing.ts";

export type DictionaryKernel = Pick<
  Kernel,
  "bus" | "cache" | "clock" | "config" | "db" | "http" | "lifecycle" | "log" | "outbound"
>;

export interface DictionaryNeeds {
  readonly projects: Projects;
  readonly texts: Texts;
}

export function createDictionary(kernel: DictionaryKernel, { projects, texts }: DictionaryNeeds): void {
  const { bus, cache, clock, config, db, http, lifecycle, log } = kernel;
  const grammar = createGrammar();
  const offline = createOffline(grammar, log);
  const definitions = createDefinitions({
    cache,
    offline,
    service: openService(kernel),
    keepMs: config.dictionaryDefinitionSeconds * 1_000,
  });
  const findFrequentWords = createFindFrequentWords({
    cache,
    clock,
    db,
    texts,
    definitions,
    stopWords: grammar.stopWords,
    answerMs: config.dictionaryAnswerSeconds * 1_000,
    frequencyMs: config.dictionaryFrequencySeconds * 1_000,
  });
  const refreshing = createRefreshing({ bus, clock, log, findFrequentWords });
  texts.onCounted(refreshing.announce);
  lifecycle.add(refreshing);
  lifecycle.add({ name: "dictionary files", start: async () => {}, stop: offline.close });

  const onAnswer = refreshing.note;
  http.mount(dictionaryRoutes({ clock, db, projects, texts, definitions, findFrequentWords, onAnswer }));
}

function openService({ config, clock, outbound }: DictionaryKernel) {
  const url = config.dictionaryApiUrl;
  if (url === undefined) return undefined;
  const fetch = outbound.fetchFrom(url);
  return createOutsideDictionary({ url, fetch, breakers: outbound.breakers, now: clock.now });
}
