// The subscribers of a chaos run: half of them as plain as a socket can be, half the client; each keeps what it saw.
import { openLive } from "../../client/index.ts";
import type { Random } from "./random.ts";

export interface Subscriber {
  readonly projectId: string;
  readonly kind: "plain" | "client";
  /** Number and id of each event, as they came. */
  readonly seen: { readonly seq: number; readonly id: string }[];
  /** The number at the first subscription: what comes after it must be seen. */
  readonly from: () => number | undefined;
  readonly resets: () => number;
  readonly connections: () => number;
  /** Cuts the connection without a word. */
  cut(): void;
  close(): void;
}

export interface SubscriberOptions {
  readonly projectId: string;
  readonly token: () => string;
  /** One of the servers, another one each time. */
  readonly port: () => number;
  readonly random: Random;
}

type Cuttable = WebSocket & { terminate(): void };

/** A plain socket trusts the server blindly: it notes each event and resumes after the last one, gap or no gap. */
export function subscribePlainly({ projectId, token, port, random }: SubscriberOptions): Subscriber {
  const seen: { seq: number; id: string }[] = [];
  let from: number | undefined;
  let epoch = "";
  let resets = 0;
  let connections = 0;
  let isClosed = false;
  let socket: Cuttable | undefined;

  function connect(): void {
    if (isClosed) return;
    connections++;
    // Bun's own WebSocket can be cut.
    const opened = new WebSocket(`ws://127.0.0.1:${port()}/api/v1/live`) as unknown as Cuttable;
    socket = opened;
    opened.onopen = () => {
      const since = from === undefined ? {} : { since: `${epoch}:${seen.at(-1)?.seq ?? from}` };
      opened.send(JSON.stringify({ type: "hello", token: token() }));
      opened.send(JSON.stringify({ type: "subscribe", project_id: projectId, ...since }));
    };
    opened.onmessage = ({ data }) => hear(JSON.parse(String(data)), opened);
    opened.onerror = () => {};
    opened.onclose = () => setTimeout(connect, random.between(20, 400));
    // A frozen server accepts and says nothing.
    setTimeout(() => {
      if (opened.readyState === WebSocket.CONNECTING) opened.terminate();
    }, 3_000);
  }

  function hear(
    frame: { type: string; seq: number; id: string; epoch: string; code: string },
    opened: Cuttable,
  ) {
    if (frame.type === "event") seen.push({ seq: frame.seq, id: frame.id });
    else if (frame.type === "reset") resets++;
    else if (frame.type === "error") opened.terminate();
    else if (frame.type === "subscribed" && from === undefined) {
      from = frame.seq;
      epoch = frame.epoch;
    }
  }

  connect();
  return {
    projectId,
    kind: "plain",
    seen,
    from: () => from,
    resets: () => resets,
    connections: () => connections,
    cut: () => socket?.terminate(),
    close() {
      isClosed = true;
      socket?.terminate();
    },
  };
}

export function subscribeByClient({ projectId, token, port }: SubscriberOptions): Subscriber {
  const seen: { seq: number; id: string }[] = [];
  let from: number | undefined;
  let resets = 0;
  let connections = 0;
  let socket: Cuttable | undefined;
  class Socket extends WebSocket {
    constructor(url: string) {
      super(url.replace(":0/", `:${port()}/`));
      connections++;
      // Bun's own WebSocket can be cut.
      socket = this as unknown as Cuttable;
    }
  }
  const live = openLive({
    url: "http://127.0.0.1:0",
    token,
    WebSocket: Socket,
    firstDelayMs: 100,
    maxDelayMs: 1_000,
    silenceMs: 2_000,
  });
  live.subscribe(projectId, {
    onEvent: ({ seq, id }) => seen.push({ seq, id }),
    onReset: () => resets++,
    onSubscribed: (position) => {
      from ??= Number(position.split(":")[1]);
    },
  });
  return {
    projectId,
    kind: "client",
    seen,
    from: () => from,
    resets: () => resets,
    connections: () => connections,
    cut: () => socket?.terminate(),
    close: live.close,
  };
}
