// The command line: what one may type, and the sentence for what one may not.
import { StartError } from "../kernel/errors/index.ts";

export const ROLES = ["web", "worker"] as const;
export type Role = (typeof ROLES)[number];

export type Command =
  | {
      readonly command: "start";
      readonly role: Role | undefined;
      /** Of a worker: the lanes it serves, as they were typed; undefined: all. */
      readonly lanes: string | undefined;
      readonly isSupervised: boolean;
    }
  | {
      readonly command: "search verify";
      /** Left out: all. */
      readonly projectId: string | undefined;
    }
  | { readonly command: "migrate" | "config" | "openapi" | "rotate keys" | "help" | "version" };

export const USAGE = `Stoa, one server for products whose people work on text together.

Usage: npm run stoa -- <command>

  start                    run the server: HTTP in this process, background jobs in a child
  start --role web         HTTP only
  start --role worker      background jobs only; with --lanes urgent,high only those of these lanes
  migrate                  bring the database's tables up to date, then stop
  search verify            hold the search index against the paragraphs, of all projects or --project <id>; code 1 when it is wrong
  keys rotate              let a new key sign access tokens, also beside a running server
  config                   each setting, its value and where that came from
  openapi                  the API description as JSON
  --help, --version

Settings come from the environment and the file .env; docs/configuration.md explains them.
`;

export function parseCommandLine(words: readonly string[]): Command {
  const [first, ...rest] = words;
  switch (first) {
    case "start":
      return parseStart(rest);
    case "migrate":
    case "config":
    case "openapi":
      return alone(first, rest);
    case "search":
      return parseSearch(rest);
    case "keys":
      return parseKeys(rest);
    case undefined:
      throw new StartError("A command is missing: try start, or --help for all of them.");
    case "help":
    case "--help":
    case "-h":
      return { command: "help" };
    case "--version":
    case "-v":
      return { command: "version" };
    default:
      throw new StartError(`There is no command ${quote(first)}: --help lists them.`);
  }
}

function parseStart(words: readonly string[]): Command {
  let role: Role | undefined;
  let lanes: string | undefined;
  let isSupervised = false;
  const left = words.flatMap((word) => {
    const [name = "", value] = word.split(/=(.*)/s);
    return value !== undefined && (name === "--role" || name === "--lanes") ? [name, value] : [word];
  });
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === "--help" || word === "-h") return { command: "help" };
    // Not for people: this process has a parent of ours, which tells it the rest.
    else if (word === "--supervised") isSupervised = true;
    else if (word === "--role") role = parseRole(left.shift());
    else if (word === "--lanes") lanes = left.shift() ?? "";
    else throw new StartError(`start has no option ${quote(word)}: --help lists what there is.`);
  }
  if (lanes !== undefined && role !== "worker") throw new StartError("--lanes is for start --role worker.");
  return { command: "start", role, lanes, isSupervised };
}

function parseKeys([verb, word]: readonly string[]): Command {
  if (verb === "--help" || verb === "-h" || word === "--help" || word === "-h") return { command: "help" };
  if (verb !== "rotate") throw new StartError("keys takes rotate.");
  if (word !== undefined) throw new StartError(`keys rotate has no option ${quote(word)}.`);
  return { command: "rotate keys" };
}

function parseSearch([verb, option, value, ...more]: readonly string[]): Command {
  if (verb === "--help" || verb === "-h") return { command: "help" };
  if (verb !== "verify") throw new StartError("search takes verify.");
  const isRight =
    option === undefined || (option === "--project" && value !== undefined && more.length === 0);
  if (!isRight || (value !== undefined && !UUID.test(value)))
    throw new StartError("search verify takes --project and the id of one.");
  return { command: "search verify", projectId: value };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function parseRole(word: string | undefined): Role {
  const role = ROLES.find((each) => each === word);
  if (role) return role;
  throw new StartError(
    `--role takes ${ROLES.join(" or ")}${word === undefined ? "" : `, not ${quote(word)}`}.`,
  );
}

function alone(command: "migrate" | "config" | "openapi", rest: readonly string[]): Command {
  const [word] = rest;
  if (word === "--help" || word === "-h") return { command: "help" };
  if (word !== undefined) throw new StartError(`${command} has no option ${quote(word)}.`);
  return { command };
}

function quote(word: string): string {
  return JSON.stringify(word.slice(0, 40));
}
