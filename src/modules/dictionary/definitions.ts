// What words mean, from the sources in their order: the service if there is one, then what is built in. Never slower than a bound.
import type { Cache } from "../../kernel/cache/index.ts";
import type { Definition } from "./model.ts";
import type { Offline } from "./offline.ts";
import type { OutsideDictionary } from "./outside-dictionary.ts";

export interface Definitions {
  /** In the order of the words. Those that are provisional would be better a little later. */
  define(words: readonly string[]): Promise<readonly Definition[]>;
}

export interface DefinitionsOptions {
  readonly cache: Cache;
  readonly offline: Offline;
  /** Left out, nobody is asked. */
  readonly service?: OutsideDictionary | undefined;
  /** How long a definition is kept. */
  readonly keepMs: number;
}

/** For all words of one answer together; whoever is asked goes on being asked, for the next answer. */
const PATIENCE_MS = 500;
/** Until the service is tried again for a word that it could not be asked for. */
export const PROVISIONAL_MS = 30_000;
const STALE_MS = 30 * 86_400_000;
/** Files are read without waiting: after so many words others have their turn. */
const WORDS_AT_ONCE = 50;

export function createDefinitions({ cache, offline, service, keepMs }: DefinitionsOptions): Definitions {
  async function defineOffline(words: readonly string[]): Promise<Definition[]> {
    const definitions: Definition[] = [];
    for (const word of words) {
      definitions.push(await offline.define(word));
      if (definitions.length % WORDS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return definitions;
  }

  const provisional = async (word: string) => ({ ...(await offline.define(word)), isProvisional: true });

  function ask(asked: OutsideDictionary, word: string): Promise<Definition> {
    return cache.get<Definition>(`dictionary:definition:${word}`, {
      ttlMs: keepMs,
      staleMs: STALE_MS,
      patienceMs: PATIENCE_MS / 2,
      async compute({ stale, keepFor }) {
        try {
          return (await asked.find(word)) ?? (await offline.define(word));
        } catch (error) {
          // The cache then gives the old one.
          if (stale?.source === "service") throw error;
          keepFor(Math.min(PROVISIONAL_MS, keepMs));
          return provisional(word);
        }
      },
    });
  }

  return {
    async define(words) {
      if (!service) return defineOffline(words);
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), PATIENCE_MS);
      const define = async (word: string) => {
        const asked = ask(service, word);
        const found = await Promise.race([asked, late.promise]);
        return found === "late" ? provisional(word) : found;
      };
      try {
        return await Promise.all(words.map(define));
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
