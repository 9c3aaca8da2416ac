// A listener for tests: a plain WebSocket to a served application, every frame it got kept, nothing clever.

import { openServed, type ServedApplication } from "../../../testing/served.ts";
import { until } from "../../../testing/until.ts";

export type LiveServer = ServedApplication;
export const openLiveServer = openServed;

/** Frames are compared with what a test expects, member by member. */
export type Frame = Record<string, unknown> & { type: string };

export interface Listener {
  readonly frames: Frame[];
  readonly socket: WebSocket;
  send(frame: object): void;
  /** The first frame that fits; waits for it. */
  first(type: string, fits?: (frame: Frame) => boolean): Promise<Frame>;
  /** The numbers of the events so far, as they came. */
  numbers(): number[];
  /** Waits until the event with this number is there, and gives all numbers. */
  upTo(seq: number): Promise<number[]>;
  /** Code and reason with which it was closed; waits for it. */
  closed(withinMs?: number): Promise<{ code: number; reason: string }>;
  /** Says hello, waits for the welcome. */
  hello(token: string): Promise<Frame>;
  /** Subscribes and waits for the answer. */
  subscribe(projectId: string, since?: string): Promise<Frame>;
  close(): void;
}

export function listen(port: number, query = "", headers: Record<string, string> = {}): Listener {
  const frames: Frame[] = [];
  let end: { code: number; reason: string } | undefined;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live${query}`, { headers });
  socket.addEventListener("message", ({ data }) => frames.push(JSON.parse(String(data))));
  socket.addEventListener("close", ({ code, reason }) => {
    end = { code, reason };
  });
  const opened = new Promise<void>((resolve) => socket.addEventListener("open", () => resolve()));
  const send = (frame: object) => void opened.then(() => socket.send(JSON.stringify(frame)));
  const first = (type: string, fits: (frame: Frame) => boolean = () => true) =>
    until(`a frame ${type}`, () => frames.find((frame) => frame.type === type && fits(frame)));
  const numbers = () => frames.flatMap((frame) => (frame.type === "event" ? [Number(frame.seq)] : []));
  return {
    frames,
    socket,
    send,
    first,
    numbers,
    async upTo(seq) {
      await first("event", (frame) => Number(frame.seq) >= seq);
      return numbers();
    },
    closed: (withinMs) => until("the close", () => end, { withinMs }),
    async hello(token) {
      send({ type: "hello", token });
      return first("welcome");
    },
    async subscribe(projectId, since) {
      const before = frames.length;
      send({ type: "subscribe", project_id: projectId, ...(since === undefined ? {} : { since }) });
      return until("subscribed", () =>
        frames.slice(before).find((frame) => frame.project_id === projectId && frame.type === "subscribed"),
      );
    },
    close: () => socket.close(1000),
  };
}

/** Connected, known and subscribed. */
export async function join(
  port: number,
  token: string,
  projectId: string,
  since?: string,
): Promise<Listener> {
  const listener = listen(port);
  await listener.hello(token);
  await listener.subscribe(projectId, since);
  return listener;
}
