// Loaded before every test run: what the tests started together ends with them.
import { afterAll } from "bun:test";
import { stopTestPostgres } from "./postgres.ts";

afterAll(stopTestPostgres);
