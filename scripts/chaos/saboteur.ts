// The negative control: a copy of the program whose replay leaves one event out now and then. The checker must catch it.
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const REPLAY = "src/modules/live/replay.ts";
const HONEST = "return page.frames.slice(start, needed + 1 - page.firstSeq);";
const SABOTAGED = `const frames = page.frames.slice(start, needed + 1 - page.firstSeq);
      return frames.length > 2 ? frames.toSpliced(1, 1) : frames;`;

/** Returns the root of the copy. */
export async function makeSabotagedCopy(root: string, directory: string): Promise<string> {
  const copy = join(directory, "sabotaged");
  await cp(join(root, "src"), join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "bunfig.toml"])
    await cp(join(root, name), join(copy, name));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const path = join(copy, REPLAY);
  const text = await readFile(path, "utf8");
  if (!text.includes(HONEST)) throw new Error(`${REPLAY} has changed: tell the saboteur where to cut.`);
  await writeFile(path, text.replace(HONEST, SABOTAGED));
  return copy;
}
