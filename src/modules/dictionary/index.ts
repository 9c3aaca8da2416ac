// The face of the dictionary. Nobody calls it: it has routes, and hears when text was counted.
export { createDictionary } from "./module.ts";
