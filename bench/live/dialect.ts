// The tongues the crowd speaks over a WebSocket: ours, none at all, and Engine.IO 4 with Socket.IO 5 within it.

export const DIALECTS = { stoa: talkStoa, plain: talkPlain, socketIo: talkSocketIo } as const;

export interface Wish {
  /** Left out: connected and idle. */
  readonly projectId?: string;
  readonly since?: string;
}

export interface Talk {
  say(text: string): void;
  /** Welcomed, and subscribed if that was asked for. */
  onReady(): void;
  onEvent(frame: Buffer): void;
}

export interface Dialect {
  readonly path: string;
  /** The connection is a WebSocket from now on. */
  upgraded(): void;
  hear(frame: Buffer): void;
}

const [EVENT, SUBSCRIBED, WELCOME, EVENT_SECOND] = Buffer.from("eswv");
/** Where the types of our frames begin: `{"type":"`. */
const TYPE_AT = 9;

function talkStoa(wish: Wish, talk: Talk): Dialect {
  return {
    path: "/api/v1/live",
    upgraded() {},
    hear(frame) {
      const kind = frame[TYPE_AT];
      if (kind === EVENT && frame[TYPE_AT + 1] === EVENT_SECOND) talk.onEvent(frame);
      else if (kind === SUBSCRIBED || (kind === WELCOME && wish.projectId === undefined)) talk.onReady();
      else if (kind === WELCOME)
        talk.say(JSON.stringify({ type: "subscribe", project_id: wish.projectId, since: wish.since }));
      else if (kind === EVENT) throw new Error(frame.toString());
    },
  };
}

function talkPlain(_wish: Wish, talk: Talk): Dialect {
  return { path: "/", upgraded: talk.onReady, hear: talk.onEvent };
}

const [OPEN, PING, MESSAGE] = Buffer.from("024");
const [CONNECTED, SOCKET_EVENT] = Buffer.from("02");

/** Packets begin with a digit each for Engine.IO and Socket.IO: 0 open, 2 ping, 40 connected, 42 event. */
function talkSocketIo(_wish: Wish, talk: Talk): Dialect {
  return {
    path: "/socket.io/?EIO=4&transport=websocket",
    upgraded() {},
    hear(frame) {
      const [engine, socket] = frame;
      if (engine === MESSAGE && socket === SOCKET_EVENT) talk.onEvent(frame);
      else if (engine === MESSAGE && socket === CONNECTED) talk.onReady();
      else if (engine === OPEN) talk.say("40");
      else if (engine === PING) talk.say("3");
      else throw new Error(frame.toString());
    },
  };
}
