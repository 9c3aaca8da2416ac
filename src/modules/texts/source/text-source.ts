// Texts from addresses: called through the guard and their circuit, read whole, and told apart by what they are.
import {
  AddressRefusedError,
  CircuitOpenError,
  type GuardedAnswer,
  type Outbound,
  OutboundError,
} from "../../../kernel/outbound/index.ts";
import { textErrors } from "../errors.ts";
import { readPieces } from "../import/index.ts";
import { findContentProblem } from "../model.ts";
import { decodeText, kindOf } from "./kind.ts";
import type { PageReader } from "./page-reader.ts";

export interface TextSourceDeps {
  readonly outbound: Outbound;
  readonly pages: Pick<PageReader, "read">;
  /** Where a text comes from when no address is given. */
  readonly defaultUrl: string;
}

export interface SourceText {
  /** The address, without what follows its #. */
  readonly url: string;
  readonly paragraphs: readonly string[];
}

/** What follows the # is for the reader, and no other text. Throws TypeError for what is no address. */
export function withoutFragment(address: string): URL {
  const url = new URL(address);
  url.hash = "";
  return url;
}

/** Throws a Refusal with a sentence for whoever asked. */
export type ReadSource = (
  url: string | undefined,
  projectId: string,
  signal: AbortSignal,
) => Promise<SourceText>;

/** Each holds up to 5 MB, and a connection to somebody. */
const MAX_READING = 10;
/** As many as can be handed in at once. */
const MAX_PARAGRAPHS = 1_000;
/** Worth reading as a page; a document tree of more takes hundreds of megabytes. */
const MAX_PAGE_UNITS = 2_000_000;
const ACCEPT = "text/plain, text/markdown, text/html, application/rss+xml, application/atom+xml, */*;q=0.1";

export function createReadSource({ outbound, pages, defaultUrl }: TextSourceDeps): ReadSource {
  const fetchDefault = outbound.fetchFrom(defaultUrl);
  let reading = 0;

  async function readUrl(
    given: string | undefined,
    projectId: string,
    signal: AbortSignal,
  ): Promise<SourceText> {
    const address = given ?? defaultUrl;
    const problem = given === undefined ? undefined : outbound.findProblem(given);
    if (problem !== undefined) throw textErrors.SOURCE_REFUSED({ detail: problem });
    const url = withoutFragment(address);
    const isDefault = given === undefined;
    const circuit = isDefault ? "text source" : url.origin;
    const fetch = isDefault ? fetchDefault : outbound.fetch;
    const read = async () => readAnswer(await fetch(url.href, { signal, headers: { Accept: ACCEPT } }));
    try {
      const { status, type, bytes } = await outbound.breakers.run(
        circuit,
        read,
        isDefault ? null : projectId,
      );
      if (status < 200 || status > 299) throw unavailable(`it answered with status ${status}`);
      const paragraphs = await paragraphsOf(bytes, type, url.pathname);
      return { url: url.href, paragraphs };
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async function paragraphsOf(bytes: Uint8Array, type: string, path: string): Promise<readonly string[]> {
    const text = decodeText(bytes, type);
    const kind = kindOf(type, path, text);
    if (!kind) throw textErrors.SOURCE_NOT_READ();
    const isPage = kind === "html" || kind === "feed";
    if (isPage && text.length > MAX_PAGE_UNITS) throw textErrors.SOURCE_TOO_LONG();
    const found = isPage ? await pages.read({ kind, text }) : await split(text, kind);
    const paragraphs = found.filter((each) => isParagraph(each));
    if (paragraphs.length === 0) throw textErrors.SOURCE_EMPTY();
    if (paragraphs.length > MAX_PARAGRAPHS) throw textErrors.SOURCE_TOO_LONG();
    return paragraphs;
  }

  return async (given, projectId, signal) => {
    if (reading >= MAX_READING) throw textErrors.SOURCE_BUSY({ retryAfterSeconds: 5 });
    reading++;
    try {
      return await readUrl(given, projectId, signal);
    } finally {
      reading--;
    }
  };
}

interface ReadAnswer {
  readonly status: number;
  readonly type: string;
  readonly bytes: Uint8Array;
}

async function readAnswer(answer: GuardedAnswer): Promise<ReadAnswer> {
  const { status, headers, body } = answer;
  try {
    if (status >= 500 || status === 408 || status === 429)
      throw new OutboundError(`it answered with status ${status}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return { status, type: headers.get("content-type") ?? "", bytes: Buffer.concat(chunks) };
  } finally {
    await answer.close();
  }
}

async function split(text: string, kind: "text" | "markdown"): Promise<string[]> {
  const type = kind === "markdown" ? "text/markdown" : "text/plain";
  const refusals = {
    notUtf8: () => textErrors.SOURCE_NOT_READ(),
    noContentColumn: () => textErrors.SOURCE_NOT_READ(),
  };
  async function* bytes() {
    yield Buffer.from(text);
  }
  const contents: string[] = [];
  for await (const pieces of readPieces(bytes(), type, refusals)) {
    for (const piece of pieces) {
      if (piece.kind === "paragraph") contents.push(piece.content);
      else if (piece.code === "PARAGRAPH_TOO_LONG") throw textErrors.PARAGRAPH_TOO_LONG();
    }
  }
  return contents;
}

/** What cannot be one is left out; what is too long is not cut. */
function isParagraph(content: string): boolean {
  const problem = findContentProblem(content);
  if (problem === "TOO_LONG") throw textErrors.PARAGRAPH_TOO_LONG();
  return problem === undefined;
}

function unavailable(sentence: string, cause?: unknown, retryAfterSeconds?: number) {
  return textErrors.SOURCE_UNAVAILABLE({
    detail: `The source cannot be read just now: ${sentence}. Nothing was stored.`,
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function refusalOf(error: unknown): unknown {
  if (error instanceof AddressRefusedError) return textErrors.SOURCE_REFUSED({ detail: error.message });
  if (error instanceof CircuitOpenError)
    return unavailable("it has failed too often and is left alone", error, error.retryAfterSeconds);
  if (error instanceof OutboundError) return unavailable(error.message, error);
  return error;
}
