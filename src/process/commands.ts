// The commands that do one thing and end: migrate, config, openapi, version.
import manifest from "../../package.json" with { type: "json" };
import { loadConfig } from "../kernel/config/index.ts";
import { newId } from "../kernel/ids/index.ts";
import { createLogger } from "../kernel/telemetry/index.ts";
import { joinDatabase, reachDatabase } from "./database-server.ts";
import { createRuntime } from "./runtime.ts";

export async function migrateDatabase(): Promise<void> {
  const { config } = loadConfig();
  const database = await reachDatabase(config, createLogger({ level: config.logLevel, process: "migrate" }));
  try {
    const runtime = createRuntime({ ...alone, config, access: database.access, workerId: newId() });
    const applied = await runtime.migrate().finally(() => runtime.stop());
    const names = applied.map((name) => `applied ${name}\n`).join("");
    process.stdout.write(names || "The database's tables were up to date.\n");
  } finally {
    await database.stop();
  }
}

/** Also beside a running server, whose processes hear of the key within a minute and publish it before it signs. */
export async function rotateKeys(): Promise<void> {
  const { config } = loadConfig();
  const database = await joinDatabase(config, createLogger({ level: config.logLevel, process: "keys" }));
  try {
    const runtime = createRuntime({ ...alone, config, access: database.access, workerId: newId() });
    const { id, signsFrom } = await runtime.rotateSigningKey().finally(() => runtime.stop());
    process.stdout.write(`Key ${id} signs from ${signsFrom.toISOString()}.\n`);
  } finally {
    await database.stop();
  }
}

/** Also beside a running server. Sets exit code 1 when an index is not what its paragraphs say. */
export async function verifySearch(projectId: string | undefined): Promise<void> {
  const { config } = loadConfig();
  const database = await joinDatabase(config, createLogger({ level: config.logLevel, process: "verify" }));
  try {
    const runtime = createRuntime({ ...alone, config, access: database.access, workerId: newId() });
    try {
      let projects = 0;
      for await (const { projectId: id, documents, segments, problems } of runtime.verifyIndexes(projectId)) {
        projects++;
        const size = `${documents} paragraphs, ${segments} segments`;
        const verdict = problems.length === 0 ? "right" : `wrong\n  ${problems.join("\n  ")}`;
        process.stdout.write(`${id}: ${size}: ${verdict}\n`);
        if (problems.length > 0) process.exitCode = 1;
      }
      if (projects === 0) process.stdout.write("There is no index.\n");
    } finally {
      await runtime.stop();
    }
  } finally {
    await database.stop();
  }
}

export async function showConfig(): Promise<void> {
  const { lines } = loadConfig();
  const width = (key: "variable" | "value") => Math.max(...lines.map((line) => line[key].length));
  const widths = { variable: width("variable"), value: Math.min(width("value"), 60) };
  for (const { variable, value, source } of lines) {
    process.stdout.write(`${variable.padEnd(widths.variable)}  ${value.padEnd(widths.value)}  ${source}\n`);
  }
}

/** The description needs no database: nothing connects before it is asked something. */
export async function showOpenApi(): Promise<void> {
  const { config } = loadConfig();
  const access = {
    url: "postgres://localhost",
    socketDir: undefined,
    secretKey: Buffer.alloc(32).toString("base64"),
  };
  // Standard output is the description's alone.
  const silent = { ...config, logLevel: "silent" } as const;
  const runtime = createRuntime({ ...alone, config: silent, access, workerId: newId() });
  process.stdout.write(`${JSON.stringify(await runtime.describe(), null, 2)}\n`);
  await runtime.stop();
}

export async function showVersion(): Promise<void> {
  process.stdout.write(`${manifest.version}\n`);
}

const alone = {
  name: "command",
  role: "web",
  lanes: undefined,
  sharesPort: false,
  showsWhole: true,
  metricsOfOthers: async () => [],
} as const;
