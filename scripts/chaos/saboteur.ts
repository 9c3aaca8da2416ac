// The negative control: the same run against a copy of the program with a fault must be caught, else the proof is none.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Sabotage {
  /** For the one who reads along: a build that … */
  readonly does: string;
  readonly file: string;
  readonly honest: string;
  readonly sabotaged: string;
}

export const LEAVES_OUT_AN_EVENT: Sabotage = {
  does: "leaves out one replayed event",
  file: "src/modules/live/replay.ts",
  honest: "return page.frames.slice(start, needed + 1 - page.firstSeq);",
  sabotaged: `const frames = page.frames.slice(start, needed + 1 - page.firstSeq);
      return frames.length > 2 ? frames.toSpliced(1, 1) : frames;`,
};

/** @param run with the root of a program; returns the problems it has found. */
export async function isCaught(
  root: string,
  sabotage: Sabotage,
  run: (root: string) => Promise<string[]>,
): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-control-"));
  try {
    const copy = await makeSabotagedCopy(root, directory, sabotage);
    console.log(`control: the same against a build that ${sabotage.does}`);
    const [problem] = await run(copy);
    console.log(
      problem === undefined ? "control: NOT caught, so the proof is none" : `control: caught, ${problem}`,
    );
    return problem !== undefined;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeSabotagedCopy(
  root: string,
  directory: string,
  { file, honest, sabotaged }: Sabotage,
): Promise<string> {
  const copy = join(directory, "sabotaged");
  await cp(join(root, "src"), join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "bunfig.toml"])
    await cp(join(root, name), join(copy, name));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const path = join(copy, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(honest)) throw new Error(`${file} has changed: tell the saboteur where to cut.`);
  await writeFile(path, text.replace(honest, sabotaged));
  return copy;
}
