// What of the dictionary leaves the server.
import { z } from "zod";
import { type Definition, SOURCES } from "./model.ts";

const meaning = {
  lemma: z.string().nullable().meta({
    description: "The word that is defined: itself, or the one it is a form of. Null when nobody knows it.",
  }),
  definitions: z.array(z.string()).meta({ description: "At most 5; empty when nobody knows the word." }),
  phonetic: z.string().nullable().meta({ description: "Given by a dictionary service only." }),
  part_of_speech: z.string().nullable().meta({ description: "Such as noun; of these definitions." }),
  source: z.enum(SOURCES).nullable().meta({ description: "Who defines it." }),
};

export const wordView = z
  .strictObject({ word: z.string(), count: z.int(), ...meaning })
  .meta({ id: "DictionaryWord" });

export const definitionFields = meaning;

export function toMeaning({ lemma, definitions, phonetic, partOfSpeech, source }: Definition) {
  return { lemma, definitions: [...definitions], phonetic, part_of_speech: partOfSpeech, source };
}

export function toWordView(count: number, definition: Definition): z.infer<typeof wordView> {
  return { word: definition.word, count, ...toMeaning(definition) };
}
