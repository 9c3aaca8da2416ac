// Documents of segments as they were stored before their fields stood in columns: one document after the other.
import type { DocumentColumns } from "./documents.ts";
import type { VarintReader } from "./varint.ts";

const UUID_BYTES = 16;
const ID_REST_BYTES = 10;

/** The first version had neither ids, posts and languages nor what a score counts; its index is made anew, and answers meanwhile. */
export type RowVersion = 1 | 2;

/** What follows the version. */
export function readRows(reader: VarintReader, version: RowVersion): DocumentColumns {
  const isFirst = version === 1;
  const length = reader.read();
  const authorIds = reader.readBytes(reader.read() * UUID_BYTES);
  const langs = isFirst
    ? ["und"]
    : Array.from({ length: reader.read() }, () => Buffer.from(reader.readBytes(reader.read())).toString());
  const posts = isFirst ? new Uint8Array() : reader.readBytes(reader.read() * UUID_BYTES);
  const columns = {
    docs: new Uint32Array(length),
    wordCounts: new Uint32Array(length),
    scoredCounts: new Uint32Array(length),
    createdMs: new Float64Array(length),
    idRests: new Uint8Array(length * ID_REST_BYTES),
    authorOf: new Uint32Array(length),
    langOf: new Uint8Array(length),
    postOf: new Uint32Array(length),
    sourceOf: new Uint8Array(length),
  };
  let doc = 0;
  let ms = 0;
  for (let place = 0; place < length; place++) {
    doc += reader.read();
    const wordCount = reader.read();
    columns.docs[place] = doc;
    columns.wordCounts[place] = wordCount;
    columns.scoredCounts[place] = isFirst ? wordCount : wordCount - reader.read();
    const step = reader.read();
    ms += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
    columns.createdMs[place] = ms;
    if (!isFirst) columns.idRests.set(reader.readBytes(ID_REST_BYTES), place * ID_REST_BYTES);
    columns.authorOf[place] = reader.read();
    if (isFirst) continue;
    columns.langOf[place] = reader.read();
    columns.postOf[place] = reader.read();
    columns.sourceOf[place] = reader.read();
  }
  return { ...columns, authorIds, langs, posts };
}
