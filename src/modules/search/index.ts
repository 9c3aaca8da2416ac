// The face of search. Other modules have no need of it: it reads what texts keep.
export { searchErrors } from "./errors.ts";
export { createSearch } from "./module.ts";
