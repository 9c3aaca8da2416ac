// The checker: what PostgreSQL has, read without the server's code, against what clients have and were shown.
import type { SQL } from "bun";
import * as Y from "yjs";
import type { Witness } from "./witness.ts";

/** Undefined when it is not there; throws when it cannot be read. */
export async function readDocument(sql: SQL, postId: string): Promise<Y.Doc | undefined> {
  const doc = new Y.Doc();
  const [snapshot] = await sql`SELECT seq, state FROM coedit_snapshots WHERE post_id = ${postId}`;
  if (!snapshot) return undefined;
  Y.applyUpdateV2(doc, snapshot.state);
  const changes = await sql`
    SELECT change FROM coedit_changes WHERE post_id = ${postId} AND seq > ${snapshot.seq} ORDER BY seq`;
  for (const { change } of changes) Y.applyUpdate(doc, change);
  return doc;
}

/** Sentences about what was shown and is not stored; none when all is well. */
export function checkWitness(
  who: string,
  { clocks, deletions }: Witness,
  stored: Y.Doc | undefined,
): string[] {
  if (!stored) return clocks.size === 0 ? [] : [`${who} was shown a document that is not stored.`];
  const problems: string[] = [];
  if (stored.store.pendingStructs) problems.push(`what is stored for ${who} lacks a part.`);
  for (const [client, clock] of clocks) {
    const has = Y.getState(stored.store, client);
    if (has < clock)
      problems.push(`${who} was shown ${clock} parts of client ${client}, and ${has} are stored.`);
  }
  for (const { client, clock, length } of deletions) {
    for (let at = clock; at < clock + length; at++) {
      if (at >= Y.getState(stored.store, client) || isThere(stored, client, at)) {
        problems.push(
          `${who} was shown the deletion of part ${at} of client ${client}, and it is not stored.`,
        );
        break;
      }
    }
  }
  return problems;
}

function isThere(doc: Y.Doc, client: number, clock: number): boolean {
  const structs = doc.store.clients.get(client) ?? [];
  return !structs[Y.findIndexSS(structs, clock)]?.deleted;
}

export function checkTexts(texts: readonly string[], stored: string, body: string): string[] {
  const problems: string[] = [];
  const different = texts.filter((text) => text !== stored).length;
  if (different > 0)
    problems.push(`${different} of ${texts.length} editors have another text than is stored.`);
  if (body !== stored) problems.push("the post's body is not what the document says.");
  return problems;
}
