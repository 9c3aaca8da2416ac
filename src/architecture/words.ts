// House words: one spelling for one thing in code, documents and answers, and no empty praise.
import { isExcused, listMatching, type Repository } from "./repository.ts";

interface HouseWord {
  readonly wrong: RegExp;
  readonly advice: string;
}

const HOUSE_WORDS: readonly HouseWord[] = [
  { wrong: /\b[Aa]nalyz(?:e|ed|es|ing|er)\b/, advice: "write analyse, as the API does" },
  { wrong: /\bcancel(?:ed|ing)\b/i, advice: "write cancelled, cancelling, as the API does" },
  { wrong: /\bbehaviors?\b/i, advice: "write behaviour" },
  { wrong: /\butili[sz](?:e|es|ed|ing|ation)\b/i, advice: "write use" },
  {
    wrong: /\b(?:blazing|seamless|effortless|cutting-edge|world-class|battle-tested)(?:ly)?\b/i,
    advice: "say what was measured",
  },
  { wrong: /\b(?:TODO|FIXME|XXX|HACK)\b/, advice: "do it or leave it out" },
  { wrong: /\bfor now\b/i, advice: "say what holds, not that it may change" },
];
/** The list itself and its tests. */
const EXEMPT = /^src\/architecture\/words\./;

export function wrongWords(repository: Repository): string[] {
  return listMatching(repository, /^(?:src|bench|scripts|docs)\/.*\.(?:ts|sql|md)$|^[A-Z]+\.md$/)
    .filter(({ path }) => !EXEMPT.test(path))
    .flatMap((file) =>
      file.lines.flatMap((line, lineIndex) =>
        HOUSE_WORDS.flatMap(({ wrong, advice }) => {
          const match = line.match(wrong);
          return match && !isExcused(file, lineIndex)
            ? [`${file.path}:${lineIndex + 1}: “${match[0]}”; ${advice}.`]
            : [];
        }),
      ),
    );
}
