// Holds a project's index against its paragraphs: every document, word, position, total and stem, in one moment of both.
import type { Database, Sql, Tx } from "../../../kernel/db/index.ts";
import { isStemmable, type Languages, scoredCount, UNKNOWN } from "../language/languages.ts";
import { decodeDocuments, documentAt, type IndexedDocument } from "./documents.ts";
import { Fingerprints } from "./fingerprints.ts";
import { PositionsReader } from "./positions.ts";
import { decodePostings } from "./postings.ts";
import { readWords } from "./segment-reader.ts";
import { decodeStemWords, isStemKey, stemKey } from "./stems.ts";
import { findHead, listSegments, readDocumentData, readDocuments } from "./store.ts";
import type { ReadText } from "./text.ts";

export interface Verification {
  readonly projectId: string;
  readonly documents: number;
  readonly segments: number;
  /** What is wrong, the first of it; none when the index is right. */
  readonly problems: readonly string[];
}

export interface VerifyDeps {
  readonly db: Pick<Database, "transaction">;
  readonly readText: ReadText;
  readonly languages: Languages;
}

const MAX_PROBLEMS = 20;
const READ = { maxDocuments: 2_000, maxUnits: 2_000_000 };

/** Undefined when the project has no index. Others may write meanwhile: all is read in one snapshot. */
export async function verifyIndex(deps: VerifyDeps, projectId: string): Promise<Verification | undefined> {
  await deps.languages.load();
  return deps.db.transaction(
    async (tx) => {
      await tx`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`;
      const head = await findHead(tx, projectId);
      if (!head) return undefined;
      const findings = new Findings();
      const segments = await listSegments(tx, projectId, true);
      const words = new Words(deps.languages);
      let documents = 0;
      for (const segment of segments) {
        documents += await verifySegment(tx, projectId, segment.segment, { ...deps, words, findings });
      }
      const stored = await countStored(tx, projectId, head.foldedDoc);
      findings.expect("paragraphs in segments", documents, stored.folded);
      findings.expect("document_count", head.documentCount, stored.documents);
      findings.expect("occurrence_count", head.occurrenceCount, stored.occurrences);
      await words.verify(tx, projectId, findings);
      return { projectId, documents: stored.documents, segments: segments.length, problems: findings.list };
    },
    { pool: "long" },
  );
}

class Findings {
  readonly list: string[] = [];

  add(problem: string): void {
    if (this.list.length < MAX_PROBLEMS) this.list.push(problem);
  }

  expect(what: string, found: number, right: number): void {
    if (found !== right) this.add(`${what}: ${found}, not ${right}`);
  }
}

interface SegmentDeps extends VerifyDeps {
  readonly words: Words;
  readonly findings: Findings;
}

/** Returns how many of its documents are there. */
async function verifySegment(tx: Tx, projectId: string, segment: number, deps: SegmentDeps): Promise<number> {
  const { findings, readText, words } = deps;
  const [data] = await readDocumentData(tx, projectId, [segment]);
  const documents = decodeDocuments(data?.document_data ?? new Uint8Array());
  const kept = new Map<number, { place: number; document: IndexedDocument }>();
  for (let place = 0; place < documents.docs.length; place++) {
    const document = documentAt(documents, place);
    kept.set(document.doc, { place, document });
  }
  const found = new Fingerprints(documents.docs.length);
  await readSegment(tx, projectId, segment, { fingerprints: found, words });
  const lastDoc = documents.docs.at(-1) ?? -1;
  const deleted = new Set(await listDeleted(tx, projectId, documents.docs[0] ?? 0, lastDoc));
  let there = 0;
  for (let fromDoc = documents.docs[0] ?? 0; fromDoc <= lastDoc; ) {
    const rows = await readDocuments(tx, projectId, { fromDoc, toDoc: lastDoc + 1 }, READ);
    for (const row of rows) {
      const text = readText(row.content);
      const lang = row.lang ?? UNKNOWN;
      const wordCount = text.wordCount;
      const { content: _, ...rest } = row;
      const right = { ...rest, lang, wordCount, scoredCount: scoredCount(lang, text) };
      const own = kept.get(row.doc);
      kept.delete(row.doc);
      there++;
      words.add(text.counts, lang);
      if (!own) findings.add(`segment ${segment}: paragraph ${row.id} is missing`);
      else if (!isSame(own.document, right))
        findings.add(`segment ${segment}: what is kept of ${row.id} is wrong`);
      else if (!found.equals(own.place, text))
        findings.add(`segment ${segment}: words of ${row.id} are wrong`);
      if (deleted.has(row.doc)) findings.add(`paragraph ${row.id} is there and has a tombstone`);
    }
    fromDoc = (rows.at(-1)?.doc ?? lastDoc) + 1;
  }
  for (const doc of kept.keys()) {
    if (!deleted.has(doc)) findings.add(`segment ${segment}: document ${doc} is gone and has no tombstone`);
  }
  return there;
}

function isSame(a: IndexedDocument, b: IndexedDocument): boolean {
  // By name: one has keys of the other and no more.
  return (Object.keys(a) as (keyof IndexedDocument)[]).every((key) => a[key] === b[key]);
}

/** Takes the fingerprints of all that the postings say of each document, and the stems. */
async function readSegment(
  tx: Tx,
  projectId: string,
  segment: number,
  { fingerprints, words }: { readonly fingerprints: Fingerprints; readonly words: Words },
): Promise<void> {
  let buffer = new Uint32Array();
  await readWords(tx, projectId, [segment], {
    withPositions: true,
    onWord(entries) {
      for (const entry of entries) {
        const word = entry.word.toString();
        if (isStemKey(entry.word)) {
          words.addStem(word, decodeStemWords(entry.postings));
          continue;
        }
        const { places, counts } = decodePostings(entry.postings, entry.documents);
        const reader = entry.positions && new PositionsReader(entry.positions, counts);
        for (let index = 0; index < places.length; index++) {
          const count = counts[index] ?? 0;
          if (count > buffer.length) buffer = new Uint32Array(count * 2);
          const read = reader ? buffer.subarray(0, reader.read(index, buffer)) : undefined;
          fingerprints.add(places[index] ?? 0, word, count, read);
        }
      }
    },
  });
}

async function listDeleted(
  sql: Sql,
  projectId: string,
  firstDoc: number,
  lastDoc: number,
): Promise<number[]> {
  const rows = await sql<{ doc: number }>`
    SELECT doc FROM text_tombstones WHERE project_id = ${projectId} AND doc BETWEEN ${firstDoc} AND ${lastDoc}`;
  return rows.map(({ doc }) => doc);
}

async function countStored(
  sql: Sql,
  projectId: string,
  foldedDoc: number,
): Promise<{ documents: number; folded: number; occurrences: number }> {
  const [row] = await sql<{ documents: number; folded: number; occurrences: number }>`
    SELECT count(*)::int AS documents, (count(*) FILTER (WHERE doc < ${foldedDoc}))::int AS folded,
      coalesce(sum(word_count), 0)::float8 AS occurrences
    FROM paragraphs WHERE project_id = ${projectId} AND doc IS NOT NULL`;
  return row ?? { documents: 0, folded: 0, occurrences: 0 };
}

/** What the words of all segments come to, and their stems. */
class Words {
  readonly #languages: Languages;
  readonly #totals = new Map<
    string,
    { documents: number; occurrences: number; readonly langs: Set<string> }
  >();

  /** By key the words that the segments have of a stem. */
  readonly #stems = new Map<string, Set<string>>();

  constructor(languages: Languages) {
    this.#languages = languages;
  }

  add(counts: ReadonlyMap<string, number>, lang: string): void {
    for (const [word, count] of counts) {
      const total = this.#totals.get(word) ?? { documents: 0, occurrences: 0, langs: new Set() };
      total.documents++;
      total.occurrences += count;
      if (this.#languages.hasStems(lang)) total.langs.add(lang);
      this.#totals.set(word, total);
    }
  }

  addStem(key: string, found: readonly string[]): void {
    const known = this.#stems.get(key);
    if (!known) this.#stems.set(key, new Set(found));
    else for (const word of found) known.add(word);
  }

  async verify(sql: Sql, projectId: string, findings: Findings): Promise<void> {
    const rows = await sql<{ word: string; documents: number; occurrences: number }>`
      SELECT word, documents, occurrences::float8 AS occurrences FROM text_words WHERE project_id = ${projectId}`;
    findings.expect("words", rows.length, this.#totals.size);
    for (const { word, documents, occurrences } of rows) {
      const right = this.#totals.get(word);
      if (right?.documents !== documents || right.occurrences !== occurrences) {
        findings.add(`the totals of ${JSON.stringify(word.slice(0, 40))} are wrong`);
      }
    }
    for (const [word, { langs }] of this.#totals) {
      if (!isStemmable(word)) continue;
      for (const lang of langs) {
        const stem = this.#languages.stem(lang, word);
        if (stem !== word && !this.#stems.get(stemKey(lang, stem))?.has(word)) {
          findings.add(`the stem of ${JSON.stringify(word)} in ${lang} is missing`);
        }
      }
    }
  }
}
