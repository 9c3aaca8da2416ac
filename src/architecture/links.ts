// Links between our documents: each leads to a file that is there, and to a heading in it.
import { posix } from "node:path";
import { listMatching, type Repository, type SourceFile } from "./repository.ts";

export function brokenLinks(repository: Repository): string[] {
  return listMatching(repository, /\.md$/).flatMap((file) =>
    listLinks(file).flatMap(({ target, line }) => {
      const [path = "", heading] = target.split("#");
      const resolved = path === "" ? file.path : posix.join(posix.dirname(file.path), path);
      const problem = check(repository, resolved, heading);
      return problem ? [`${file.path}:${line}: the link to ${target} leads nowhere: ${problem}.`] : [];
    }),
  );
}

/** A folder of the kernel or the modules that ARCHITECTURE.md does not link to. */
export function missingFromArchitecture(repository: Repository): string[] {
  const document = repository.files.get("ARCHITECTURE.md")?.text ?? "";
  const folders = listMatching(repository, /^src\/(?:kernel|modules)\/[^/]+\//).map(
    ({ path }) => `${path.split("/").slice(0, 3).join("/")}/`,
  );
  return [...new Set(folders)]
    .filter((folder) => !document.includes(`](${folder})`))
    .map((folder) => `ARCHITECTURE.md: ${folder} is not there; say in a row what it does.`);
}

function check(repository: Repository, path: string, heading: string | undefined): string | undefined {
  const file = repository.files.get(path);
  const isFolder = [...repository.files.keys()].some((each) =>
    each.startsWith(`${path.replace(/\/$/, "")}/`),
  );
  if (!file && !isFolder) return `there is no ${path}`;
  if (heading === undefined || (file && headingsOf(file).has(heading))) return undefined;
  return `${path} has no heading #${heading}`;
}

function listLinks(file: SourceFile): { target: string; line: number }[] {
  let isInCode = false;
  return file.lines.flatMap((text, index) => {
    if (text.startsWith("```")) isInCode = !isInCode;
    if (isInCode) return [];
    const prose = text.replace(/`[^`]*`/g, "");
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1] ?? "")
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ target, line: index + 1 }));
  });
}

/** Anchors as forges make them: lower case, punctuation dropped, spaces to hyphens. */
function headingsOf(file: SourceFile): Set<string> {
  const headings = file.lines.flatMap((line) => line.match(/^#{1,6} (.+)$/)?.[1] ?? []);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}
