// The words that a score leaves out: Lucene's list for English (EnglishAnalyzer.ENGLISH_STOP_WORDS_SET), so that scores are those
// of published figures. They are found and counted like all others.

export const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to " +
    "was will with"
  ).split(" "),
);
