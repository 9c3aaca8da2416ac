// Fetching a text from an address: what is new there is stored, what came from there before is found again.
import { createHash } from "node:crypto";
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { ParagraphsFrom } from "../events.ts";
import type { Paragraph } from "../model.ts";
import type { ReadSource, SourceText } from "../source/text-source.ts";
import { findSourceParagraphs, holdSource, insertSourceParagraphs } from "../source-store.ts";
import type { ParagraphActions } from "./paragraphs.ts";

export interface FetchDeps {
  readonly paragraphs: Pick<ParagraphActions, "allowWriting" | "storeBatch">;
  readonly readSource: ReadSource;
}

export interface FetchedParagraphs {
  /** In the order of the source. */
  readonly paragraphs: readonly Paragraph[];
  /** Null when nothing was new. */
  readonly jobId: string | null;
}

export type FetchActions = ReturnType<typeof createFetchActions>;

const sha256 = (text: string) => createHash("sha256").update(text).digest();

export function createFetchActions({ paragraphs, readSource }: FetchDeps) {
  return {
    /** Asks who may first: nobody makes us call around for nothing. */
    async readText(
      sql: Sql,
      by: ParagraphsFrom,
      url: string | undefined,
      signal: AbortSignal,
    ): Promise<SourceText> {
      await paragraphs.allowWriting(sql, by);
      return readSource(url, by.projectId, signal);
    },

    async storeText(
      tx: Tx,
      by: ParagraphsFrom,
      { url, paragraphs: contents }: SourceText,
    ): Promise<FetchedParagraphs> {
      const { projectId, actorId } = by;
      const key = { projectId, urlHash: sha256(url) };
      const hashes = contentHashes(contents);
      await holdSource(tx, key);
      const known = await findSourceParagraphs(tx, key, hashes);
      const fresh = contents.flatMap((content, index) => {
        const contentHash = hashes[index] ?? "";
        return known.has(contentHash) ? [] : [{ content, contentHash }];
      });
      if (fresh.length === 0) await paragraphs.allowWriting(tx, by);
      const stored =
        fresh.length === 0
          ? undefined
          : await paragraphs.storeBatch(
              tx,
              by,
              fresh.map(({ content }) => content),
              { source: "fetch" },
            );
      const made = fresh.map((each, index) => ({ ...each, id: stored?.ids[index] ?? "" }));
      if (made.length > 0) await insertSourceParagraphs(tx, key, url, made);
      for (const { id, content, contentHash } of made) {
        const analysis = { state: "pending" } as const;
        known.set(contentHash, {
          id,
          projectId,
          authorId: actorId,
          postId: null,
          source: "fetch",
          content,
          lang: null,
          analysis,
        });
      }
      return {
        paragraphs: hashes.flatMap((hash) => known.get(hash) ?? []),
        jobId: stored?.jobId ?? null,
      };
    },
  };
}

/** A text that stands there twice is two paragraphs: each knows how often it stood there before. In hexadecimal. */
function contentHashes(contents: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return contents.map((content) => {
    const before = seen.get(content) ?? 0;
    seen.set(content, before + 1);
    return sha256(`${before} ${content}`).toString("hex");
  });
}
