// One WebSocket connection to a document: who it is, what it says, and how it ends.
import { isDatabaseAway, isDatabaseBusy } from "../../kernel/db/index.ts";
import type { Socket, SocketHandler } from "../../kernel/http/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import {
  Allowance,
  type Caller,
  CLOSE,
  type Closing,
  type Entrance,
  HELLO_TIMEOUT_MS,
  MAX_WAITING_BYTES,
} from "../live/index.ts";
import type { Owner } from "./awareness.ts";
import type { Documents, OpenDocument } from "./documents.ts";
import { type Frame, readFrame } from "./frames.ts";
import { COEDIT_CLOSE, FRAME_BURST, FRAMES_PER_SECOND } from "./model.ts";
import { DocumentGone } from "./record.ts";
import type { Member } from "./seats.ts";

export interface ConnectionDeps {
  readonly documents: Documents;
  readonly entrance: Entrance;
  readonly log: Logger;
  readonly processId: string;
  /** The project of a post that the user may read; undefined for one that is not there. */
  readonly findProject: (postId: string, userId: string) => Promise<string | undefined>;
}

export interface ConnectionRequest {
  readonly id: string;
  readonly address: string;
  readonly postId: string;
  readonly wantsReceipts: boolean;
  readonly hasTokenInAddress: boolean;
  /** Who it is when the request said so; without it the first frame must. */
  readonly proof: Promise<Caller | undefined> | undefined;
}

type State =
  | { readonly state: "silent" }
  /** What it says meanwhile is heard afterwards. */
  | { readonly state: "entering"; readonly waiting: Uint8Array[] }
  | { readonly state: "open"; readonly at: OpenDocument; readonly owner: Owner }
  | { readonly state: "over" };

/** For a client to read why, before the connection is cut. */
const CLOSING_MS = 2_000;
const MAX_WAITING_FRAMES = 100;
const hello = /^\{"type":"hello","token":"([^"\\]{1,4096})"\}$/;

export class CoeditConnection implements SocketHandler, Member {
  readonly connectionId: string;
  readonly address: string;
  readonly wantsReceipts: boolean;
  readonly hasTokenInAddress: boolean;
  readonly #deps: ConnectionDeps;
  readonly #request: ConnectionRequest;
  readonly #allowance = new Allowance(FRAMES_PER_SECOND, FRAME_BURST);
  #state: State = { state: "silent" };
  #userId = "";
  #socket: Socket | undefined;
  #helloTimer: Timer | undefined;
  /** A whole document may wait; what comes on top of it is counted. */
  #largestBytes = 0;

  constructor(request: ConnectionRequest, deps: ConnectionDeps) {
    this.connectionId = request.id;
    this.address = request.address;
    this.wantsReceipts = request.wantsReceipts;
    this.hasTokenInAddress = request.hasTokenInAddress;
    this.#request = request;
    this.#deps = deps;
  }

  get userId(): string {
    return this.#userId;
  }

  opened(socket: Socket) {
    this.#socket = socket;
    const { connections } = this.#deps.entrance;
    const refusal = connections.isStopping() ? CLOSE.stopping : connections.addStranger(this);
    if (refusal) return this.close(refusal);
    const { proof } = this.#request;
    if (proof) void this.#identify(proof);
    else this.#helloTimer = setTimeout(() => this.close(CLOSE.unauthenticated), HELLO_TIMEOUT_MS);
  }

  received(message: string | Uint8Array) {
    const { state } = this.#state;
    if (state === "over") return;
    if (!this.#allowance.take(performance.now())) return this.close(CLOSE.tooFast);
    if (typeof message === "string") return this.#hearText(message);
    // Strangers may say who they are, and nothing else.
    if (state === "silent") return this.close(CLOSE.unauthenticated);
    if (state === "open") return this.#hear(message);
    // The socket's buffer is used again.
    if (this.#state.waiting.push(message.slice()) > MAX_WAITING_FRAMES) this.close(CLOSE.tooFast);
  }

  drained(): void {
    this.#largestBytes = 0;
  }

  closed(): void {
    const before = this.#state;
    this.#state = { state: "over" };
    clearTimeout(this.#helloTimer);
    if (before.state === "open") {
      before.at.document.leave(this);
      before.at.awareness.leave(this.connectionId);
    }
    this.#deps.entrance.connections.remove(this);
  }

  close({ code, reason }: Closing): void {
    if (this.#state.state === "over") return;
    const socket = this.#socket;
    socket?.close(code, reason);
    this.closed();
    // A client that takes nothing would keep what waits for it in memory.
    if (socket && socket.bufferedBytes() > 0) setTimeout(() => socket.terminate(), CLOSING_MS).unref();
  }

  send(frame: Uint8Array): void {
    if (this.#state.state === "over" || !this.#socket) return;
    if (frame.length > this.#largestBytes) this.#largestBytes = frame.length;
    this.#socket.send(frame);
    if (this.#socket.bufferedBytes() > MAX_WAITING_BYTES + this.#largestBytes) this.close(CLOSE.tooSlow);
  }

  /** The only text there is: who one is, where neither header nor address can say it. */
  #hearText(text: string) {
    const token = this.#state.state === "silent" ? hello.exec(text)?.[1] : undefined;
    if (token === undefined) {
      return this.close(this.#state.state === "silent" ? CLOSE.unauthenticated : COEDIT_CLOSE.badFrame);
    }
    clearTimeout(this.#helloTimer);
    void this.#identify(this.#deps.entrance.callerOfToken(token));
  }

  async #identify(proof: Promise<Caller | undefined>): Promise<void> {
    const waiting: Uint8Array[] = [];
    this.#state = { state: "entering", waiting };
    try {
      const caller = await proof;
      if (this.#isOver()) return;
      if (!caller) return this.close(CLOSE.unauthenticated);
      const refusal = this.#deps.entrance.connections.admit(this, caller);
      if (refusal) return this.close(refusal);
      await this.#enter(caller, waiting);
    } catch (error) {
      if (error instanceof DocumentGone) return this.close(COEDIT_CLOSE.notFound);
      if (!isDatabaseAway(error) && !isDatabaseBusy(error)) {
        this.#deps.log.error({ err: error, post_id: this.#request.postId }, "a document could not be opened");
      }
      // Not a final code: the client tries again, and never gets an empty document instead.
      this.close(COEDIT_CLOSE.tryLater);
    }
  }

  async #enter({ userId }: Caller, waiting: readonly Uint8Array[]): Promise<void> {
    const { documents, findProject, processId } = this.#deps;
    this.#userId = userId;
    const projectId = await findProject(this.#request.postId, userId);
    if (this.#isOver()) return;
    if (projectId === undefined) return this.close(COEDIT_CLOSE.notFound);
    const at = await documents.open(this.#request.postId, projectId);
    if (this.#isOver()) return;
    at.document.enter(this);
    try {
      // Asked again: what was taken away before the document was entered, nobody has told it.
      const rights = await documents.rightsOf(projectId, userId);
      if (this.#isOver()) return at.document.leave(this);
      if (!rights) return this.close(COEDIT_CLOSE.notFound);
      this.#state = {
        state: "open",
        at,
        owner: { processId, connectionId: this.connectionId, userId },
      };
      at.document.admit(this, rights);
    } catch (error) {
      at.document.leave(this);
      throw error;
    }
    const present = at.awareness.frame();
    if (present) this.send(present);
    for (const message of waiting) this.#hear(message);
  }

  #hear(message: Uint8Array) {
    if (this.#state.state !== "open") return;
    const frame = readFrame(message);
    if (!frame) return this.close(COEDIT_CLOSE.badFrame);
    this.#answer(frame, this.#state.at, this.#state.owner);
  }

  #answer(frame: Frame, { document, awareness }: OpenDocument, owner: Owner) {
    switch (frame.kind) {
      case "vector":
        return document.ask(this, frame.vector.slice());
      case "update":
        return document.offer(this, frame.bytes.slice(), frame.isAnswer);
      case "awareness":
        return awareness.hear(owner, frame.entries);
      case "query":
        return this.#sendPresent(awareness);
      default:
        frame satisfies never;
    }
  }

  #sendPresent(awareness: OpenDocument["awareness"]): void {
    const present = awareness.frame();
    if (present) this.send(present);
  }

  // A method: the compiler would else believe that the state is what it was before an await.
  #isOver(): boolean {
    return this.#state.state === "over";
  }
}
