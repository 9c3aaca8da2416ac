// What the pages of these tests run: the client, and whatever it says, kept where a test can look.
import { type LiveSubscription, openLive, type PresenceChange } from "../../client/index.ts";

export interface Setting {
  readonly url: string;
  readonly token: string;
  readonly projectId: string;
  /** The longest wait before the first attempt to come back. */
  readonly delayMs: number;
}

export interface Seen {
  state: string;
  /** How often the connection stood. */
  opened: number;
  subscribed: number;
  numbers: number[];
  resets: string[];
  presence: PresenceChange[];
  errors: string[];
  ended: string[];
}

const seen: Seen = {
  state: "",
  opened: 0,
  subscribed: 0,
  numbers: [],
  resets: [],
  presence: [],
  errors: [],
  ended: [],
};
let subscription: LiveSubscription | undefined;

/** As a page would that may not show its token in an address. */
function follow({ url, token, projectId, delayMs }: Setting): void {
  const live = openLive({
    url,
    async ticket() {
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/api/v1/live/tickets`, { method: "POST", headers });
      if (answer.status === 401) return undefined;
      // As the API description has it.
      return ((await answer.json()) as { ticket: string }).ticket;
    },
    firstDelayMs: delayMs,
    maxDelayMs: delayMs,
    onState(state) {
      seen.state = state;
      if (state === "open") seen.opened++;
    },
    onError: ({ code }) => seen.errors.push(code),
  });
  subscription = live.subscribe(projectId, {
    onEvent: ({ seq }) => seen.numbers.push(seq),
    onReset: (position) => seen.resets.push(position),
    onSubscribed: () => seen.subscribed++,
    onPresence: (change) => seen.presence.push(change),
    onEnd: ({ code }) => seen.ended.push(code),
  });
}

// The tests call these by name.
Object.assign(globalThis, { seen, follow, tell: (state: object) => subscription?.tell({ ...state }) });
