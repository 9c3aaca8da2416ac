import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig, type Setting, settings } from "./index.ts";
import { publicAddressOf } from "./public-address.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const KEY = Buffer.alloc(32, 7).toString("base64");

function sentenceOf(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toHaveProperty("name", "StartError");
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

test("[CFG-1] the environment goes before .env, and that before the default", () => {
  const dotEnv = "PORT=7000\nHOST='0.0.0.0'\n# LOG_LEVEL=debug\nDATA_DIR=\nMAX_JOB_RETRIES=5 # five\n";
  const { config, lines } = readConfig({ PORT: "6000", HOST: "" }, dotEnv);
  expect(config).toMatchObject({
    port: 6000,
    host: "0.0.0.0",
    logLevel: "info",
    dataDir: "./data",
    maxJobRetries: 5,
  });
  const sources = new Map(lines.map((line) => [line.variable, line.source]));
  expect(
    ["PORT", "HOST", "LOG_LEVEL", "DATA_DIR", "MAX_JOB_RETRIES"].map((name) => sources.get(name)),
  ).toEqual(["environment", ".env", "default", "default", ".env"]);
});

test("[CFG-1] every default is a value that may be set, and no variable is read twice", () => {
  const { config } = readConfig({});
  const all: [string, Setting<unknown>][] = Object.entries(settings);
  for (const [name, setting] of all) {
    if (setting.defaultText !== "")
      expect(setting.parse(setting.defaultText)).toEqual(config[name as keyof typeof config]);
  }
  expect(new Set(all.map(([, setting]) => setting.variable)).size).toBe(all.length);
});

test.each([
  [{ PORT: "http" }, 'PORT must be a whole number from 0 to 65535; it is "http".'],
  [{ PORT: "65536" }, 'PORT must be a whole number from 0 to 65535; it is "65536".'],
  [{ PORT: "-1" }, 'PORT must be a whole number from 0 to 65535; it is "-1".'],
  [{ PORT: "1e3" }, 'PORT must be a whole number from 0 to 65535; it is "1e3".'],
  [{ PORT: " 80" }, 'PORT must be a whole number from 0 to 65535; it is " 80".'],
  [{ LOG_LEVEL: "loud" }, 'LOG_LEVEL must be one of debug, info, warn, error, silent; it is "loud".'],
  [{ DATABASE_URL: "mysql://me:s3cret@host/x" }, "DATABASE_URL must be a postgres:// address."],
  [{ DATABASE_URL: "s3cret" }, "DATABASE_URL must be a postgres:// address."],
  [{ PUBLIC_URL: "ftp://x" }, 'PUBLIC_URL must be an http:// or https:// address; it is "ftp://x".'],
  [{ SECRET_KEY: "s3cret" }, "SECRET_KEY must be 32 bytes in base64; `openssl rand -base64 32` makes one."],
  [{ SECRET_KEY: `${KEY}!` }, "SECRET_KEY must be 32 bytes in base64; `openssl rand -base64 32` makes one."],
  [{ SMTP_URL: "http://me:s3cret@mail.example" }, "SMTP_URL must be an smtp:// or smtps:// address."],
  [
    { SMTP_URL: "smtp://mail.example?tls=perhaps" },
    "SMTP_URL must be an smtp:// or smtps:// address with nothing after it but ?tls= one of required, optional, unverified, off.",
  ],
  [
    { SMTP_URL: "smtp://me:100%@mail.example" },
    "SMTP_URL must be an smtp:// or smtps:// address whose user and password are percent-encoded.",
  ],
  [
    { MAIL_FROM: "Stoa, Inc <a@b>, c@d" },
    'MAIL_FROM must be an address such as Stoa <stoa@example.org>; it is "Stoa, Inc <a@b>, c@d".',
  ],
  [
    { ALLOWED_ORIGINS: "https://a.example, https://b.example/" },
    'ALLOWED_ORIGINS must be origins such as https://app.example.com, without a path; it is "https://a.example, https://b.example/".',
  ],
] as [Record<string, string>, string][])("[CFG-2] %j is refused", (environment, sentence) => {
  expect(sentenceOf(environment)).toBe(sentence);
});

test("[CFG-3] secrets are masked, what is unset is empty", () => {
  const url = "postgres://me:s3cret@db.example/x";
  const { lines, config } = readConfig({
    DATABASE_URL: url,
    SECRET_KEY: KEY,
    ALLOWED_ORIGINS: "https://a.example",
  });
  expect(config.databaseUrl).toBe(url);
  const shown = new Map(lines.map((line) => [line.variable, line.value]));
  expect(
    ["DATABASE_URL", "SECRET_KEY", "ALLOWED_ORIGINS", "PUBLIC_URL", "PORT"].map((name) => shown.get(name)),
  ).toEqual(["********", "********", "https://a.example", "", "8000"]);
  expect(JSON.stringify(lines)).not.toContain("s3cret");
});

test("[CFG-4] what goes together", () => {
  const sentence = "TLS_CERT_FILE and TLS_KEY_FILE go together: set both or neither.";
  expect(sentenceOf({ TLS_CERT_FILE: "cert.pem" })).toBe(sentence);
  expect(sentenceOf({ TLS_KEY_FILE: "key.pem" })).toBe(sentence);
  expect(readConfig({ TLS_CERT_FILE: "cert.pem", TLS_KEY_FILE: "key.pem" }).config.tlsKeyFile).toBe(
    "key.pem",
  );
  expect(sentenceOf({ SMTP_URL: "smtp://mail.example" })).toBe(
    "MAIL_FROM is required with SMTP_URL: set it to the address that mails come from.",
  );
  expect(sentenceOf({ DATABASE_URL: "postgres://localhost/x" })).toBe(
    "SECRET_KEY is required with DATABASE_URL: set it to the output of `openssl rand -base64 32` and keep it.",
  );
});

/** What a program sees that reads its configuration in a directory. */
function runIn(directory: string, environment: Record<string, string>): string {
  const program = `
    import { loadConfig } from ${JSON.stringify(join(import.meta.dir, "index.ts"))};
    import { SQL } from "bun";
    try {
      const { config } = loadConfig();
      const { options } = new SQL("postgres://me@db.example/there");
      console.log(config.port, options.hostname, options.port, options.database);
    } catch (error) {
      console.log(error.name, error.message);
    }`;
  const run = Bun.spawnSync([process.execPath, "--no-env-file", "-e", program], {
    cwd: directory,
    env: environment,
  });
  return run.stdout.toString().trim() || run.stderr.toString();
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "stoa-config-"));
  directories.push(directory);
  return directory;
}

test("[CFG-5] libpq's variables change nothing", () => {
  const directory = scratch();
  writeFileSync(join(directory, ".env"), "PORT=7001\nPGDATABASE=elsewhere\n");
  const strange = {
    PGHOST: "elsewhere",
    PGPORT: "6666",
    PGDATABASE: "elsewhere",
    PGOPTIONS: "-c work_mem=1GB",
  };
  expect(runIn(directory, strange)).toBe("7001 db.example 5432 there");
});

test("[CFG-6] a .env that is a directory is named, one that is missing is not", () => {
  const directory = scratch();
  expect(runIn(directory, {})).toStartWith("8000 ");
  mkdirSync(join(directory, ".env"));
  expect(runIn(directory, {})).toBe(
    "StartError The file .env cannot be read: make it readable for this user or remove it.",
  );
});

test("[CFG-7] where users reach the server follows PUBLIC_URL, then the certificate and the port", () => {
  const of = (given: { publicUrl?: string; tlsCertFile?: string }) =>
    publicAddressOf({ publicUrl: undefined, tlsCertFile: undefined, port: 8000, ...given });
  expect(of({})).toEqual({ url: "http://localhost:8000", isHttps: false });
  expect(of({ tlsCertFile: "cert.pem" })).toEqual({ url: "https://localhost:8000", isHttps: true });
  expect(of({ publicUrl: "https://stoa.example", tlsCertFile: "cert.pem" })).toEqual({
    url: "https://stoa.example",
    isHttps: true,
  });
  expect(of({ publicUrl: "http://inside.example", tlsCertFile: "cert.pem" }).isHttps).toBe(false);
});
