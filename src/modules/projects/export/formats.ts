// The formats of exports: pages of records become bytes, in the memory of a page.
import { PermanentJobError } from "../../../kernel/jobs/index.ts";
import type { ExportRecord } from "./part.ts";

export interface RecordPage {
  readonly kind: string;
  readonly records: readonly ExportRecord[];
}

export interface Format {
  readonly contentType: string;
  /** Of the file's name. */
  readonly ending: string;
  /** @param pages those of one kind stand together. */
  write(pages: AsyncIterable<RecordPage>): AsyncGenerator<Uint8Array>;
}

/** The ZIP format counts in 32 bits, and the library writes no other (APPNOTE 6.3.10 section 4.4.8). */
const MAX_ZIP_BYTES = 4_000_000_000;
const encoder = new TextEncoder();

/** One line a record, its kind in `type`. */
const ndjson: Format = {
  contentType: "application/x-ndjson",
  ending: "ndjson",
  async *write(pages) {
    for await (const { kind, records } of pages)
      yield encoder.encode(
        records.map((record) => `${JSON.stringify({ type: kind, ...record })}\n`).join(""),
      );
  },
};

/** One file of lines a kind. */
const zip: Format = {
  contentType: "application/zip",
  ending: "zip",
  async *write(pages) {
    // With the first export: not in the memory of a server that makes none.
    const { Zip, ZipDeflate } = await import("fflate");
    let made: Uint8Array[] = [];
    let madeBytes = 0;
    let failure: Error | null = null;
    const archive = new Zip((error, chunk) => {
      failure ??= error;
      madeBytes += chunk?.length ?? 0;
      if (chunk?.length) made.push(chunk);
    });
    let file:
      | { readonly kind: string; readonly stream: InstanceType<typeof ZipDeflate>; bytes: number }
      | undefined;

    function* taken(): Generator<Uint8Array> {
      if (failure) throw failure;
      if (madeBytes > MAX_ZIP_BYTES) throw tooLarge();
      // They are small, and each would be a write of its own.
      if (made.length > 0) yield Buffer.concat(made);
      made = [];
    }

    for await (const { kind, records } of pages) {
      if (file?.kind !== kind) {
        file?.stream.push(new Uint8Array(), true);
        file = { kind, stream: new ZipDeflate(`${kind}.ndjson`, { level: 6 }), bytes: 0 };
        archive.add(file.stream);
      }
      for (const record of records) {
        const line = encoder.encode(`${JSON.stringify(record)}\n`);
        file.bytes += line.length;
        if (file.bytes > MAX_ZIP_BYTES) throw tooLarge();
        file.stream.push(line);
      }
      yield* taken();
    }
    file?.stream.push(new Uint8Array(), true);
    archive.end();
    yield* taken();
  },
};

function tooLarge(): PermanentJobError {
  return new PermanentJobError(
    "EXPORT_TOO_LARGE",
    "The project is too large for a ZIP. Export it as NDJSON.",
  );
}

export const formats = { ndjson, zip } as const satisfies Record<string, Format>;
export type FormatName = keyof typeof formats;
// The keys are the table's own.
export const formatNames = Object.keys(formats) as [FormatName, ...FormatName[]];
