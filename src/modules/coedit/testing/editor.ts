// An editor for tests: an unmodified y-websocket client on a served application, and a plain socket for what it would not do.
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { until } from "../../../testing/until.ts";

export interface Editor {
  readonly doc: Y.Doc;
  readonly provider: WebsocketProvider;
  readonly text: Y.Text;
  /** Waits until it says this. */
  says(text: string): Promise<void>;
  /** Waits for the first answer of the server. */
  synced(): Promise<Editor>;
  /** Code and reason with which it was closed for good; waits for it. */
  closed(withinMs?: number): Promise<{ code: number; reason: string }>;
  /** Cuts the connection without a word; it comes back by itself. */
  cut(): void;
  close(): void;
}

export interface EditorOptions {
  readonly doc?: Y.Doc;
  readonly params?: Record<string, string>;
  readonly connect?: boolean;
}

export function openEditor(
  port: number,
  postId: string,
  token: string,
  { doc = new Y.Doc(), params = { access_token: token }, connect = true }: EditorOptions = {},
): Editor {
  let end: { code: number; reason: string } | undefined;
  const provider = new WebsocketProvider(`ws://127.0.0.1:${port}/api/v1/coedit`, postId, doc, {
    params,
    connect,
    disableBc: true,
    maxBackoffTime: 200,
  });
  provider.on("closed", (event) => {
    end = event;
  });
  const text = doc.getText("body");
  const editor: Editor = {
    doc,
    provider,
    text,
    async says(wanted) {
      await until(`“${wanted}”, and not “${text}”`, () => text.toString() === wanted);
    },
    async synced() {
      await until("the first answer", () => provider.synced);
      return editor;
    },
    closed: (withinMs) => until("the close", () => end, { withinMs }),
    // Bun's own WebSocket can be cut.
    cut: () => (provider.ws as unknown as { terminate(): void } | null)?.terminate(),
    close: () => provider.destroy(),
  };
  return editor;
}
