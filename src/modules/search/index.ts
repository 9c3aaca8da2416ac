// The face of search. Other modules have no need of it: it reads what texts keep.
export { createSearch } from "./module.ts";
