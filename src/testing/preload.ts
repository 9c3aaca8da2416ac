// Loaded before every test run: what the tests started together ends with them.
import { afterAll } from "bun:test";
import { removeTestDataDirectory } from "./data-directory.ts";
import { stopTestPostgres } from "./postgres.ts";

/** The scratch databases of a run are tens of thousands of files: a slow disk takes its time to remove them. */
const REMOVAL_MS = 600_000;

afterAll(stopTestPostgres, REMOVAL_MS);
afterAll(removeTestDataDirectory);
