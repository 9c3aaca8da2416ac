// A reader of server-sent events for tests: the response as it comes, cut into messages.
import { until } from "../../../testing/until.ts";
import type { Frame } from "./listener.ts";

export interface Message {
  readonly id: string | undefined;
  readonly data: Frame;
}

export interface Reader {
  readonly response: Response;
  readonly messages: Message[];
  numbers(): number[];
  upTo(seq: number): Promise<number[]>;
  first(type: string): Promise<Message>;
  /** Waits until the server has ended the stream. */
  ended(): Promise<void>;
  close(): void;
}

export async function read(
  port: number,
  projectId: string,
  { query = "", headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Reader> {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/projects/${projectId}/live${query}`, {
    headers,
    signal: abort.signal,
  });
  const messages: Message[] = [];
  let isOver = false;
  const reading = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const lines = block.split("\n");
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field("data");
        if (data !== undefined) messages.push({ id: field("id"), data: JSON.parse(data) });
      }
    }
  };
  reading()
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  const numbers = () => messages.flatMap(({ data }) => (data.type === "event" ? [Number(data.seq)] : []));
  return {
    response,
    messages,
    numbers,
    async upTo(seq) {
      await until(`event ${seq}`, () => (numbers().at(-1) ?? 0) >= seq);
      return numbers();
    },
    first: (type) => until(`a message ${type}`, () => messages.find(({ data }) => data.type === type)),
    ended: async () => void (await until("the end", () => isOver)),
    close: () => abort.abort(),
  };
}
