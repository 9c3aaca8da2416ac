// A mail server on a real socket, for tests: keeps what it is sent, and misbehaves when it is told to.
import type { AddressInfo, Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { until } from "./until.ts";

export interface ReceivedMail {
  readonly recipients: readonly string[];
  /** Names in lower case; continued lines joined, words in other scripts decoded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** As it came over the wire. */
  readonly raw: string;
}

export interface TestMailServer {
  readonly port: number;
  /** SMTP_URL and MAIL_FROM for a server that sends through it. */
  readonly environment: { readonly SMTP_URL: string; readonly MAIL_FROM: string };
  readonly mails: ReceivedMail[];
  /** Connections made so far. */
  connections(): number;
  /** The newest mail to this address that has come after `seen` others to it; waits for it. */
  next(to: string, subject: RegExp): Promise<ReceivedMail>;
  stop(): Promise<void>;
}

/** Says no to what a sender asks, once or always: undefined lets it pass. */
export interface Manners {
  recipient?(address: string): Error | undefined;
  sender?(address: string): Error | undefined;
  /** After the whole mail has come. */
  mail?(raw: string): Error | "hang up" | "stay silent" | undefined;
  login?(user: string, password: string): boolean;
}

/** As a mail server answers. */
export function answer(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

export async function openMailServer(
  manners: Manners = {},
  options: SMTPServerOptions & { readonly port?: number } = {},
): Promise<TestMailServer> {
  const mails: ReceivedMail[] = [];
  const taken = new Set<ReceivedMail>();
  const sockets = new Set<Socket>();
  let count = 0;
  const server = new SMTPServer({
    authOptional: manners.login === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    // Else it warns of its own certificate.
    logger: false,
    closeTimeout: 100,
    onMailFrom: ({ address }, _session, done) => done(manners.sender?.(address) ?? null),
    onRcptTo: ({ address }, _session, done) => done(manners.recipient?.(address) ?? null),
    onAuth({ username, password }, _session, done) {
      if (manners.login?.(username ?? "", password ?? "") === false) done(answer(535, "no such user"));
      else done(null, { user: username ?? "" });
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString("utf8");
        const said = manners.mail?.(raw);
        if (said === "stay silent") return;
        if (said === "hang up") {
          for (const socket of sockets) socket.destroy();
          return;
        }
        if (!said)
          mails.push(
            parse(
              raw,
              session.envelope.rcptTo.map((to) => to.address),
            ),
          );
        done(said ?? null);
      });
    },
    ...options,
  });
  // A peer that goes away in the middle is what some tests are about.
  server.on("error", () => {});
  server.server.on("connection", (socket: Socket) => {
    count++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  // Listening on TCP: the address is no path.
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    environment: { SMTP_URL: `smtp://127.0.0.1:${port}?tls=off`, MAIL_FROM: "Stoa <stoa@stoa.test>" },
    mails,
    connections: () => count,
    async next(to, subject) {
      const mail = await until(`a mail to ${to} about ${subject}`, () =>
        mails.find(
          (each) => !taken.has(each) && each.recipients[0] === to && subject.test(each.headers.subject ?? ""),
        ),
      );
      taken.add(mail);
      return mail;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

function parse(raw: string, recipients: readonly string[]): ReceivedMail {
  const end = raw.indexOf("\r\n\r\n");
  const headers: Record<string, string> = {};
  for (const line of raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = decodeWords(line.slice(colon + 1).trim());
  }
  const body = raw.slice(end + 4);
  const encoding = headers["content-transfer-encoding"];
  const text =
    encoding === "base64"
      ? Buffer.from(body, "base64").toString("utf8")
      : encoding === "quoted-printable"
        ? unquote(body.replace(/=\r\n/g, ""))
        : body;
  return { recipients, headers, text: text.replaceAll("\r\n", "\n"), raw };
}

/** RFC 2047. */
function decodeWords(text: string): string {
  const joined = text.replace(/\?=\s+=\?/g, "?==?");
  return joined.replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_all, kind: string, word: string) =>
    kind.toLowerCase() === "b"
      ? Buffer.from(word, "base64").toString("utf8")
      : unquote(word.replaceAll("_", " ")),
  );
}

function unquote(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
