// Every environment variable that Stoa reads, once: docs/configuration.md and .env.example are generated from this list.
import ipaddr from "ipaddr.js";
import { issuerList } from "./issuer-list.ts";
import { choice, integer, list, optional, text } from "./setting.ts";

export const settings = {
  port: integer("PORT", {
    default: 8000,
    min: 0,
    max: 65535,
    meaning: "Port to listen on; 0 takes any free one",
  }),
  host: text("HOST", { default: "127.0.0.1", meaning: "Address to listen on; 0.0.0.0 for all" }),
  dataDir: text("DATA_DIR", {
    default: "./data",
    meaning:
      "Directory of the embedded database and stored files; machines on one DATABASE_URL share its folder files",
  }),
  databaseUrl: optional("DATABASE_URL", {
    meaning: "postgres://… of PostgreSQL 16 or newer; unset runs the embedded one",
    secret: true,
    check: databaseUrl,
  }),
  publicUrl: optional("PUBLIC_URL", {
    meaning: "Address under which users reach the server; default http://localhost:PORT",
    check: httpUrl,
  }),
  secretKey: optional("SECRET_KEY", {
    meaning:
      "32 bytes in base64 that encrypt stored secrets; made at the first start on the embedded database, required with DATABASE_URL",
    secret: true,
    check: secretKey,
  }),
  smtpUrl: optional("SMTP_URL", {
    meaning:
      "smtp://user:password@host:587 or smtps://…:465 of the mail server; ?tls= required (the default; to this machine optional), optional, unverified or off; unset puts mails as files into DATA_DIR/outbox",
    secret: true,
    check: smtpUrl,
  }),
  mailFrom: optional("MAIL_FROM", {
    meaning: "Sender of mails, such as Stoa <stoa@example.org>; required with SMTP_URL",
    check: mailbox,
  }),
  authPagesUrl: optional("AUTH_PAGES_URL", {
    meaning:
      "Address under which your front end has the pages verify and reset, to which mails link with #token=…; default: plain pages of the server itself, PUBLIC_URL/auth",
    check: httpUrl,
  }),
  logLevel: choice("LOG_LEVEL", {
    default: "info",
    of: ["debug", "info", "warn", "error", "silent"],
    meaning: "Least level that is logged",
  }),
  allowedOrigins: list("ALLOWED_ORIGINS", {
    meaning: "Origins whose pages may call the API from a browser (CORS)",
    check: origin,
  }),
  outboundAllowedHosts: list("OUTBOUND_ALLOWED_HOSTS", {
    meaning:
      "Hosts with their port, such as service.internal:8080, that jobs and fetches of users may call although they are not public",
    check: hostAndPort,
  }),
  textSourceUrl: text("TEXT_SOURCE_URL", {
    default: "http://metaphorpsum.com/paragraphs/3/8",
    meaning: "Address from which POST /paragraphs/fetch takes its text when the call names none",
    check: httpUrl,
  }),
  tlsCertFile: optional("TLS_CERT_FILE", {
    meaning: "PEM file with the certificate chain; serves HTTPS together with TLS_KEY_FILE",
  }),
  tlsKeyFile: optional("TLS_KEY_FILE", { meaning: "PEM file with the private key of TLS_CERT_FILE" }),
  webProcesses: integer("WEB_PROCESSES", {
    default: 1,
    min: 1,
    max: 64,
    meaning: "Web processes that share the port",
  }),
  jobProjectConcurrency: integer("JOB_PROJECT_CONCURRENCY", {
    default: 0,
    min: 0,
    max: 10_000,
    meaning: "Jobs of one project that people run: how many may run at once; 0: any number",
  }),
  workerPort: integer("WORKER_PORT", {
    default: 0,
    min: 0,
    max: 65_535,
    meaning:
      "Port on which start --role worker answers /health, /ready and /metrics, and nothing else; 0: none",
  }),
  workerConcurrency: integer("WORKER_CONCURRENCY", {
    default: 4,
    min: 1,
    max: 256,
    meaning: "Jobs that one worker runs at once",
  }),
  accessTokenMinutes: integer("ACCESS_TOKEN_EXPIRE_MINUTES", {
    default: 30,
    min: 1,
    max: 1440,
    unit: "minutes",
    meaning: "Life of an access token",
  }),
  refreshTokenDays: integer("REFRESH_TOKEN_EXPIRE_DAYS", {
    default: 7,
    min: 1,
    max: 365,
    unit: "days",
    meaning: "Life of an unused refresh token",
  }),
  authRateLimitPerMinute: integer("AUTH_RATE_LIMIT_PER_MINUTE", {
    default: 5,
    min: 0,
    max: 1000,
    meaning: "Sign-in calls a minute of one address, exact over all processes; 0 is off",
  }),
  rateLimitPerMinute: integer("RATE_LIMIT_PER_MINUTE", {
    default: 60,
    min: 0,
    max: 1_000_000_000,
    meaning: "Requests a minute of one address without a token; 0 is off",
  }),
  userRateLimitPerMinute: integer("USER_RATE_LIMIT_PER_MINUTE", {
    default: 1200,
    min: 0,
    max: 1_000_000_000,
    meaning: "Requests a minute of one user or API key; 0 is off",
  }),
  trustedProxies: list("TRUSTED_PROXIES", {
    meaning: "Addresses and CIDR blocks of the proxies before us, whose X-Forwarded-For is believed",
    check: network,
  }),
  loginWaitSeconds: integer("LOGIN_WAIT_SECONDS", {
    default: 60,
    min: 0,
    max: 900,
    unit: "seconds",
    meaning: "Wait after five wrong passwords in a row, doubled with each further one; 0 is off",
  }),
  accessTokenEncryption: choice("ACCESS_TOKEN_ENCRYPTION", {
    default: "none",
    of: ["none", "jwe"],
    meaning:
      "Whether access tokens are encrypted around their signature, so that only this server can read them",
  }),
  signingKeyRotationDays: integer("SIGNING_KEY_ROTATION_DAYS", {
    default: 90,
    min: 1,
    max: 365,
    unit: "days",
    meaning: "Age at which the key that signs access tokens gets a successor",
  }),
  googleClientId: optional("GOOGLE_CLIENT_ID", {
    meaning: "Client id of signing in with Google; goes with GOOGLE_CLIENT_SECRET",
  }),
  googleClientSecret: optional("GOOGLE_CLIENT_SECRET", {
    meaning: "Client secret of GOOGLE_CLIENT_ID",
    secret: true,
  }),
  oidcIssuers: optional("OIDC_ISSUERS", {
    meaning:
      "JSON list of further OpenID Connect issuers to sign in with, each {name, issuer, client_id, client_secret, scopes?}",
    secret: true,
    check: issuerList,
  }),
  passwordMinLength: integer("PASSWORD_MIN_LENGTH", {
    default: 10,
    min: 8,
    max: 64,
    unit: "characters",
    meaning: "Shortest password",
  }),
  maxJobRetries: integer("MAX_JOB_RETRIES", {
    default: 3,
    min: 0,
    max: 25,
    meaning: "Retries of a failed job before it is dead",
  }),
  jobTimeoutSeconds: integer("JOB_TIMEOUT_SECONDS", {
    default: 300,
    min: 1,
    max: 86400,
    unit: "seconds",
    meaning: "Time one attempt of a job may take",
  }),
  eventRetentionDays: integer("EVENT_RETENTION_DAYS", {
    default: 30,
    min: 1,
    max: 3650,
    unit: "days",
    meaning: "Days that the event log is kept",
  }),
  auditRetentionDays: integer("AUDIT_RETENTION_DAYS", {
    default: 365,
    min: 1,
    max: 3650,
    unit: "days",
    meaning: "Days that the audit trail is kept",
  }),
  jobRetentionDays: integer("JOB_RETENTION_DAYS", {
    default: 30,
    min: 1,
    max: 3650,
    unit: "days",
    meaning: "Days that finished jobs are kept",
  }),
  fileMaxMb: integer("FILE_MAX_MB", {
    default: 100,
    min: 1,
    max: 1_048_576,
    unit: "MiB",
    meaning: "Size of one file that people upload",
  }),
  projectFilesMaxMb: integer("PROJECT_FILES_MAX_MB", {
    default: 1000,
    min: 0,
    max: 1_073_741_824,
    unit: "MiB",
    meaning:
      "Size of all files of a project together, exports and results of jobs among them; 0: as much as there is room for",
  }),
  projectEraseAfterDays: integer("PROJECT_ERASE_AFTER_DAYS", {
    default: 30,
    min: 1,
    max: 3650,
    unit: "days",
    meaning:
      "Days from the deletion of a project, in which it can be restored, to the erasing of what it held",
  }),
  liveConnectionsPerUser: integer("LIVE_CONNECTIONS_PER_USER", {
    default: 100,
    min: 1,
    max: 1_000_000,
    meaning: "Live connections that one user may have open, per process",
  }),
  databasePoolSize: integer("DATABASE_POOL_SIZE", {
    default: 3,
    min: 1,
    max: 64,
    meaning:
      "Connections for single statements of requests, and as many for their transactions, per web process",
  }),
  redisUrl: optional("REDIS_URL", {
    meaning:
      "redis:// or rediss:// address of a Redis or Valkey that is the second level of the cache; unset keeps it in the memory of each process",
    secret: true,
    check: redisUrl,
  }),
  cacheMemoryMegabytes: integer("CACHE_MEMORY_MB", {
    default: 16,
    min: 1,
    max: 16_384,
    unit: "MiB",
    meaning: "Most that the cache takes of the memory of one process",
  }),
  dictionaryApiUrl: optional("DICTIONARY_API_URL", {
    meaning:
      "Address under which a service compatible with dictionaryapi.dev defines a word, such as https://api.dictionaryapi.dev/api/v2/entries/en; it is told the words of all projects. Unset asks nobody: WordNet, which is built in, defines them",
    check: httpUrl,
  }),
  dictionaryAnswerSeconds: integer("DICTIONARY_ANSWER_SECONDS", {
    default: 3_600,
    min: 1,
    max: 604_800,
    unit: "seconds",
    meaning: "Time that an answer of the dictionary is kept in the cache",
  }),
  dictionaryFrequencySeconds: integer("DICTIONARY_FREQUENCY_SECONDS", {
    default: 1_800,
    min: 1,
    max: 604_800,
    unit: "seconds",
    meaning: "Time that the most frequent words of a project are kept in the cache",
  }),
  dictionaryDefinitionSeconds: integer("DICTIONARY_DEFINITION_SECONDS", {
    default: 86_400,
    min: 1,
    max: 2_592_000,
    unit: "seconds",
    meaning: "Time that the definition of a word is kept in the cache",
  }),
  shutdownGraceSeconds: integer("SHUTDOWN_GRACE_SECONDS", {
    default: 20,
    min: 0,
    max: 3600,
    unit: "seconds",
    meaning: "Time to finish what is held before stopping",
  }),
} as const;

function databaseUrl(value: string): string {
  const url = URL.parse(value);
  if (!url || !["postgres:", "postgresql:"].includes(url.protocol)) throw new Error("a postgres:// address");
  return value;
}

function redisUrl(value: string): string {
  const url = URL.parse(value);
  if (!url || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "")
    throw new Error("a redis:// or rediss:// address");
  return value;
}

function httpUrl(value: string): string {
  const url = URL.parse(value);
  if (!url || !["http:", "https:"].includes(url.protocol)) throw new Error("an http:// or https:// address");
  return value.replace(/\/+$/, "");
}

function origin(value: string): string {
  const url = URL.parse(value);
  if (!url || url.origin !== value)
    throw new Error("origins such as https://app.example.com, without a path");
  return value;
}

function hostAndPort(value: string): string {
  const url = URL.parse(`http://${value}`);
  const port = Number(/:(\d{1,5})$/.exec(value)?.[1]);
  // Anything more than host and port would show in the address.
  if (!url || !(port >= 1 && port <= 65_535) || url.href !== `${url.origin}/`)
    throw new Error("hosts with their port, such as service.internal:8080");
  return `${url.hostname}:${port}`;
}

function network(value: string): string {
  const [address = "", prefix] = value.split("/");
  // Not ipaddr.isValid alone, which reads 127.1 and 2130706433 as addresses too.
  const isAddress = address.includes(":")
    ? ipaddr.IPv6.isValid(address)
    : ipaddr.IPv4.isValidFourPartDecimal(address);
  const isNetwork = isAddress && (prefix === undefined || ipaddr.isValidCIDR(value));
  if (!isNetwork) throw new Error("addresses or CIDR blocks such as 10.0.0.0/8");
  return value;
}

function secretKey(value: string): string {
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== 32 || bytes.toString("base64").replace(/=+$/, "") !== value.replace(/=+$/, "")) {
    throw new Error("32 bytes in base64; `openssl rand -base64 32` makes one");
  }
  return value;
}

const SMTP_TLS = ["required", "optional", "unverified", "off"];

function smtpUrl(value: string): string {
  const url = URL.parse(value);
  const problem = "an smtp:// or smtps:// address";
  if (!url || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "") throw new Error(problem);
  for (const [name, tls] of url.searchParams) {
    if (name !== "tls" || !SMTP_TLS.includes(tls))
      throw new Error(`${problem} with nothing after it but ?tls= one of ${SMTP_TLS.join(", ")}`);
  }
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new Error(`${problem} whose user and password are percent-encoded`);
  }
  return value;
}

function mailbox(value: string): string {
  if (!/^(?:[^\p{C}<>@]*<[^\s\p{C}<>,;@]+@[^\s\p{C}<>,;@]+>|[^\s\p{C}<>,;@]+@[^\s\p{C}<>,;@]+)$/u.test(value))
    throw new Error("an address such as Stoa <stoa@example.org>");
  return value;
}
