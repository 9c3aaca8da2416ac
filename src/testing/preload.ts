// Loaded before every test run: what the tests started together ends with them.
import { afterAll } from "bun:test";
import { removeTestDataDirectory } from "./data-directory.ts";
import { stopTestPostgres } from "./postgres.ts";

afterAll(stopTestPostgres);
afterAll(removeTestDataDirectory);
