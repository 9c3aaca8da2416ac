// One WebSocket of the crowd, read by hand: frames are counted where they lie, so that the load costs less than the server.
import type { Socket } from "bun";
import { DIALECTS, type Wish } from "./dialect.ts";

export interface Heard {
  /** Welcomed, and subscribed if that was asked for. */
  onReady(): void;
  onEvent(frame: Buffer): void;
  onEnd(): void;
}

export interface ListenerOptions extends Wish {
  readonly dialect: keyof typeof DIALECTS;
  readonly port: number;
  readonly token: string;
}

interface State {
  held: Buffer;
  isUpgraded: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const KEY = Buffer.alloc(16, 7).toString("base64");
const [TEXT, PING, PONG] = [0x81, 9, 0x8a];

export async function openListener(options: ListenerOptions, heard: Heard): Promise<void> {
  const { port, token } = options;
  let opened: Socket<State> | undefined;
  const dialect = DIALECTS[options.dialect](options, {
    say: (text) => void opened?.write(toFrame(TEXT, Buffer.from(text))),
    onReady: heard.onReady,
    onEvent: heard.onEvent,
  });
  const request =
    `GET ${dialect.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer ${token}\r\n\r\n`;

  function take(socket: Socket<State>, opcode: number, payload: Buffer): void {
    if (opcode === PING) socket.write(toFrame(PONG, payload));
    else dialect.hear(payload);
  }

  function data(socket: Socket<State>, chunk: Buffer): void {
    const state = socket.data;
    let bytes = state.held.length > 0 ? Buffer.concat([state.held, chunk]) : chunk;
    if (!state.isUpgraded) {
      const end = bytes.indexOf(HEAD_END);
      if (end >= 0) {
        if (!bytes.toString("latin1", 0, 12).endsWith("101"))
          throw new Error(bytes.toString("latin1", 0, end));
        state.isUpgraded = true;
        bytes = bytes.subarray(end + HEAD_END.length);
        dialect.upgraded();
      }
    }
    if (state.isUpgraded) bytes = bytes.subarray(walk(socket, bytes));
    // The chunk's memory is Bun's again when we return.
    state.held = bytes.length === 0 ? NOTHING : Buffer.from(bytes);
  }

  /** Takes whole frames (RFC 6455 section 5.2, unmasked) and returns where the rest begins. */
  function walk(socket: Socket<State>, bytes: Buffer): number {
    let at = 0;
    while (at + 2 <= bytes.length) {
      let length = (bytes[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (start + 2 > bytes.length) break;
        length = bytes.readUInt16BE(start);
        start += 2;
      } else if (length === 127) {
        if (start + 8 > bytes.length) break;
        length = Number(bytes.readBigUInt64BE(start));
        start += 8;
      }
      if (start + length > bytes.length) break;
      take(socket, (bytes[at] ?? 0) & 0x0f, bytes.subarray(start, start + length));
      at = start + length;
    }
    return at;
  }

  await Bun.connect<State>({
    hostname: "127.0.0.1",
    port,
    data: { held: NOTHING, isUpgraded: false },
    socket: {
      open(socket) {
        opened = socket;
        socket.write(request);
      },
      data,
      close: () => heard.onEnd(),
    },
  });
}

const NOTHING = Buffer.alloc(0);

/** Clients must mask; by zeros it costs nothing. */
function toFrame(first: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? [first, 0x80 | payload.length]
      : [first, 0xfe, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}
