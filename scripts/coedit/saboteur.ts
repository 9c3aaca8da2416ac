// The negative control: a copy of the program that relays before it stores, and now and then does not store. It must be caught.
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const DOCUMENT = "src/modules/coedit/document.ts";
const HONEST = "const { missed } = await this.record.append({ change, editorIds });";
const SABOTAGED = `this.seats.relay([change]);
    if (Math.random() < 0.02) return;
    const { missed } = await this.record.append({ change, editorIds });`;

/** Returns the root of the copy. */
export async function makeSabotagedCopy(root: string, directory: string): Promise<string> {
  const copy = join(directory, "sabotaged");
  await cp(join(root, "src"), join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "bunfig.toml"])
    await cp(join(root, name), join(copy, name));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const path = join(copy, DOCUMENT);
  const text = await readFile(path, "utf8");
  if (!text.includes(HONEST)) throw new Error(`${DOCUMENT} has changed: tell the saboteur where to cut.`);
  await writeFile(path, text.replace(HONEST, SABOTAGED));
  return copy;
}
