// `npm run docs`: writes the generated documents; `npm run check` fails when one was forgotten.
import { join } from "node:path";
import { generateDocuments } from "./documents.ts";

for (const [path, text] of Object.entries(await generateDocuments())) {
  await Bun.write(join(import.meta.dir, "..", path), text);
  console.log(path);
}
