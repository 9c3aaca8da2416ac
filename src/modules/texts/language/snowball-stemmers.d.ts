// What of snowball-stemmers we use; it brings no types.
declare module "snowball-stemmers" {
  export function newStemmer(algorithm: string): { stem(word: string): string };
}
