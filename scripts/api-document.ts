// docs/api.md: every call in a table, from the API description that the program prints.
import { join } from "node:path";

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Description {
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Call extends Operation {
  readonly method: string;
  readonly path: string;
  readonly isOpen: boolean;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Asks the program itself, so that this document and /openapi.json cannot differ. */
export async function describeApi(): Promise<string> {
  const main = join(import.meta.dir, "../src/main.ts");
  const child = Bun.spawn([process.execPath, "--no-env-file", main, "openapi"], {
    env: { PATH: process.env.PATH },
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the program could not describe its API");
  // OpenAPI 3.1, printed by our own program.
  return render(listCalls(JSON.parse(text) as Description));
}

function listCalls({ paths, security = [] }: Description): Call[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const needed = operation.security ?? security;
      return [{ ...operation, path, method: method.toUpperCase(), isOpen: needed.length === 0 }];
    }),
  );
}

function render(calls: readonly Call[]): string {
  const byTag = Map.groupBy(calls, (call) => call.tags?.[0] ?? "other");
  const sections = [...byTag].map(([tag, tagged]) => {
    const rows = tagged.map(
      (call) =>
        `| \`${call.method} ${call.path}\` | ${call.summary ?? ""} | ${call.isOpen ? "anyone" : "signed in"} | ${listSuccesses(call)} |`,
    );
    return `## ${tag}\n\n| call | what it does | who | answers |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Calls

Every call with its body, its answers and its errors is described at \`/openapi.json\`, which \`/docs\` shows and lets you
try; \`npm run stoa -- openapi\` prints it without a server. What each error code means is in [errors.md](errors.md).

${sections.join("\n")}`;
}

function listSuccesses({ responses }: Operation): string {
  return Object.keys(responses)
    .filter((status) => /^[23]/.test(status))
    .join(", ");
}
