// One person's calls: each says what it expects, and what else comes is noted.

export interface Notes {
  readonly calls: Map<string, number>;
  /** Answers 503 or no answer at all, which a cut connection explains. */
  readonly interruptions: Map<string, number>;
  readonly surprises: string[];
}

export function createNotes(): Notes {
  return { calls: new Map(), interruptions: new Map(), surprises: [] };
}

export interface CallOptions {
  readonly body?: unknown;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Client {
  /** The answer's body, or undefined when it was interrupted or another than expected. */
  call<T>(
    name: string,
    method: string,
    path: string,
    expected: number,
    options?: CallOptions,
  ): Promise<T | undefined>;
}

const MAX_SURPRISES = 50;
const TIMEOUT_MS = 60_000;

export function createClient(address: string, notes: Notes): Client {
  return {
    async call<T>(name: string, method: string, path: string, expected: number, options: CallOptions = {}) {
      count(notes.calls, name);
      try {
        const answer = await fetch(address + path, {
          method,
          headers: {
            ...(options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` }),
            ...(typeof options.body === "object" ? { "Content-Type": "application/json" } : {}),
            ...options.headers,
          },
          ...(options.body === undefined ? {} : { body: toText(options.body) }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const text = await answer.text();
        if (answer.status === 503) count(notes.interruptions, name);
        else if (answer.status !== expected)
          surprise(notes, `${name}: ${answer.status} ${text.slice(0, 300)}`);
        // What each call answers is in the API description.
        else return (text.startsWith("{") ? JSON.parse(text) : {}) as T;
      } catch (error) {
        surprise(notes, `${name}: ${error}`);
      }
      return undefined;
    },
  };
}

export function surprise(notes: Notes, sentence: string): void {
  if (notes.surprises.length < MAX_SURPRISES) notes.surprises.push(sentence);
}

function toText(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function count(map: Map<string, number>, name: string): void {
  map.set(name, (map.get(name) ?? 0) + 1);
}
