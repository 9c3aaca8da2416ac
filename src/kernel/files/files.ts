// What the store of files offers: its types, and nothing that runs.
import type { Sql, Tx } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";

export interface NewFile {
  readonly projectId: string;
  /** Who sends it, or for whom a job makes it. */
  readonly ownerId: string;
  /** Shown, and offered to whoever downloads it; never a path. */
  readonly name: string;
  readonly contentType: string;
  /** Of the job that makes it: a file that an earlier attempt has made is replaced. */
  readonly jobId?: string;
  /** Default for good. */
  readonly keepDays?: number | undefined;
  /** Default as many as the project has room for. */
  readonly maxBytes?: number;
}

export interface StoredFile {
  readonly id: string;
  readonly projectId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

export interface FilePage {
  readonly projectId: string;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Bytes from `start` on, the first being 0, to `end`, which is not among them. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Bytes by project: stored once, never changed. */
export interface Files extends Part {
  /**
   * Writes the bytes, in the memory of one chunk, and when they are on the disk runs `commit` in a transaction, in which
   * `record` makes the file known; what throws before the commit leaves nothing. No connection is held while bytes are
   * awaited. Throws FILE_TOO_LARGE, FILES_FULL, DISK_FULL, and whatever `bytes` throws.
   */
  create<T>(
    file: NewFile,
    bytes: AsyncIterable<Uint8Array>,
    commit: (tx: Tx, record: () => Promise<StoredFile>) => Promise<T>,
  ): Promise<T>;
  /** Throws FILE_TOO_LARGE, FILES_FULL or DISK_FULL when so many bytes could not be stored now: before they are sent. */
  checkRoom(sql: Sql, projectId: string, bytes: number): Promise<void>;
  /** One that has expired is none. */
  find(sql: Sql, id: string): Promise<StoredFile | undefined>;
  /** Newest first, one more than the limit when there are more. */
  list(sql: Sql, page: FilePage): Promise<StoredFile[]>;
  /** No faster than its reader, who may leave at any time. Throws FILE_UNAVAILABLE, also later when it is deleted meanwhile. */
  open(id: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
  /** For an answer, which the server then sends from the disk by itself. Throws FILE_UNAVAILABLE. */
  blob(id: string, range?: ByteRange): Promise<Blob>;
  /** Its bytes are freed after the commit. False when there is none. */
  delete(tx: Tx, id: string): Promise<boolean>;
  /** Deletes at most `limit` files of a project and returns how many; call it until that is 0. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
  /** Where its bytes are fetched. */
  urlOf(id: string): string;
  /** Bytes that one file may have that people send. */
  readonly maxBytes: number;
}
