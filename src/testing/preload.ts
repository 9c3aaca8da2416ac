// Loaded before every test run: what the tests started together ends with them.
import { afterAll, setDefaultTimeout } from "bun:test";
import { stopTestPostgres } from "./postgres.ts";

afterAll(stopTestPostgres);

// bunfig.toml cannot say it. A busy machine must not make a right test wrong.
setDefaultTimeout(30_000);
