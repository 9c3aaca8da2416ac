// The documents that the code writes: settings, errors and routes, as they are in the source.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { settings } from "../src/kernel/config/index.ts";
import type { Setting } from "../src/kernel/config/setting.ts";
import type { ErrorDefinition } from "../src/kernel/errors/index.ts";
import { jobFailures } from "../src/kernel/jobs/index.ts";
import { describeApi } from "./api-document.ts";

const ROOT = join(import.meta.dir, "..");
const NOTICE = "<!-- Written by `npm run docs` from the source. Change that, not this. -->";

/** Every generated document by its path from the root. */
export async function generateDocuments(): Promise<Record<string, string>> {
  return {
    ".env.example": environmentExample(),
    "docs/api.md": `${NOTICE}\n${await describeApi()}`,
    "docs/configuration.md": configuration(),
    "docs/errors.md": await errors(),
  };
}

function listSettings(): Setting<unknown>[] {
  return Object.values(settings);
}

function configuration(): string {
  const rows = listSettings().map((setting) => {
    const secret = setting.isSecret ? " Secret: masked wherever it is shown." : "";
    return `| \`${setting.variable}\` | ${setting.defaultText === "" ? "" : `\`${setting.defaultText}\``} | ${setting.meaning}.${secret} |`;
  });
  return `${NOTICE}
# Configuration

Stoa needs no configuration to start. Each setting is an environment variable; a file \`.env\` in the directory from
which it is started may hold them too, and the environment goes before the file. An empty value counts as unset. A value
that cannot be used stops the start with one sentence that names it.

\`npm run stoa -- config\` prints each setting, its value and where that came from. [.env.example](../.env.example) has them all
to copy from.

| variable | default | meaning |
| --- | --- | --- |
${rows.join("\n")}
`;
}

function environmentExample(): string {
  const entries = listSettings().map(
    (setting) => `# ${setting.meaning}.\n#${setting.variable}=${setting.defaultText}\n`,
  );
  return `# Every setting of Stoa with its default. Copy this file to .env and uncomment what you change.
# Written by \`npm run docs\` from src/kernel/config/settings.ts.

${entries.join("\n")}`;
}

async function errors(): Promise<string> {
  const sections: string[] = [];
  for (const path of filesThatDefineErrors()) {
    const rows = (await catalogueOf(path)).map(
      ({ code, status, detail }) => `| \`${code}\` | ${status} | ${detail} |`,
    );
    const [, layer = "", name = ""] = path.split("/");
    const title = layer === "kernel" && name === "errors" ? "Any call" : name;
    sections.push(`## ${title}\n\n| code | status | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`);
  }
  return `${NOTICE}
# Errors

Every error is \`application/problem+json\` (RFC 9457) with \`type\`, \`title\`, \`status\`, \`detail\`, \`code\` and
\`request_id\`; bad input has \`errors\`, a list of \`{path, message}\`. Decide by \`code\`: it is stable. \`detail\` is a
sentence for people and may be worded anew.

${sections.join("\n")}
## Failed jobs

These stand in \`error\` of a job whose state is read with GET /jobs/{id}; a task may have further ones of its own.

| code | meaning |
| --- | --- |
${Object.entries(jobFailures)
  .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  .join("\n")}
`;
}

/** The kernel's own first, then by path. */
function filesThatDefineErrors(): string[] {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .map((file) => relative(ROOT, join(ROOT, "src", file)))
    .filter(
      (file) =>
        file.endsWith(".ts") &&
        !/(?:\.test|\/test-[\w-]+)\.ts$/.test(file) &&
        /^src\/(?:kernel|modules)\//.test(file),
    );
  return files.filter((file) => /= defineErrors\(/.test(readFileSync(join(ROOT, file), "utf8"))).sort();
}

async function catalogueOf(path: string): Promise<ErrorDefinition[]> {
  const exports: Record<string, unknown> = await import(join(ROOT, path));
  const found = Object.values(exports).flatMap((value) =>
    typeof value === "object" && value !== null ? Object.values(value).filter(isDefinition) : [],
  );
  if (found.length === 0)
    throw new Error(`${path} defines errors and exports none of them: export its catalogue.`);
  return found;
}

function isDefinition(value: unknown): value is ErrorDefinition {
  return typeof value === "function" && "code" in value && "status" in value && "detail" in value;
}
