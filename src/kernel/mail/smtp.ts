// Mail over SMTP: two connections that are kept, bounded waits, and what an answer of the server means.
import type { SMTPPoolOptions } from "nodemailer";
import { type Carrier, MailDelayed, MailRefused } from "./carrier.ts";
import type { Message } from "./message.ts";

export interface SmtpOptions {
  /** As SMTP_URL, checked by the configuration. */
  readonly url: string;
  /** Default 10 s to connect and to be greeted. */
  readonly connectTimeoutMs?: number;
  /** Silence that ends a connection; default 30 s. */
  readonly silenceTimeoutMs?: number;
}

const CONNECTIONS = 2;
const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|::1)$/i;

export function createSmtp(options: SmtpOptions): Carrier {
  const connectMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  let pool: ReturnType<typeof open> | undefined;

  /** With the first mail: the library takes 15 MB, and most processes send none. */
  async function open() {
    const { createTransport } = await import("nodemailer");
    return createTransport({
      ...serverOf(options.url),
      pool: true,
      maxConnections: CONNECTIONS,
      // Once anew where a kept connection turns out to be closed; beyond that the job tries again, with pauses.
      maxRequeues: 1,
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: options.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS,
      socketCloseTimeout: 1_000,
    });
  }

  return {
    async carry(_id: string, message: Message, signal: AbortSignal) {
      try {
        // Its types ask for mutable headers; it changes none.
        pool ??= open();
        await (await pool).sendMail({ ...message, headers: { ...message.headers }, signal });
      } catch (error) {
        throw meaningOf(error);
      }
    },
    close: () => void pool?.then((opened) => opened.close({ force: true })),
  };
}

function serverOf(text: string): SMTPPoolOptions {
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isImplicit = url.protocol === "smtps:";
  // A mail holds links that open an account: it goes in clear text to this machine only, unless that is asked for.
  const tls = url.searchParams.get("tls") ?? (LOOPBACK.test(host) ? "optional" : "required");
  return {
    host,
    port: url.port === "" ? (isImplicit ? 465 : 587) : Number(url.port),
    secure: isImplicit,
    requireTLS: !isImplicit && (tls === "required" || tls === "unverified"),
    ignoreTLS: tls === "off",
    tls: { minVersion: "TLSv1.2", rejectUnauthorized: tls !== "unverified" },
    ...(url.username === ""
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
  };
}

interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly command?: string;
  readonly message?: string;
}

/** Of these nodemailer's sentence is about the connection, and says what its operator has to put right. */
const OF_THE_CONNECTION = new Set(["ECONNECTION", "EDNS", "ESOCKET", "ETIMEDOUT", "ETLS"]);

/**
 * Only a refusal of the recipient or of the mail itself is final (RFC 5321 section 4.2.1). A refused log-in or sender is
 * our side's setting, which someone may put right meanwhile. The server's words may name the recipient: they are left out.
 */
function meaningOf(thrown: unknown): Error {
  // nodemailer adds these to the errors it makes; each is checked before it is used.
  const { code = "", responseCode, response, command = "", message } = thrown as SmtpError;
  const sentence = response === undefined && OF_THE_CONNECTION.has(code) ? message : undefined;
  const what = [code, responseCode, command.split(" ").slice(0, 2).join(" "), sentence]
    .filter(Boolean)
    .join(" ");
  const isOfThisMail = command === "RCPT TO" || command === "DATA";
  // 503 is a session out of step (nodemailer: isPermanentResponseCode).
  const isFinal = responseCode !== undefined && responseCode >= 500 && responseCode !== 503;
  // An address that no server would take, such as one that needs SMTPUTF8 where that is not spoken.
  const isUnspeakable = code === "EENVELOPE" && responseCode === undefined;
  if ((isOfThisMail && isFinal) || isUnspeakable) return new MailRefused(`the mail was refused: ${what}`);
  return new MailDelayed(`the mail server did not take the mail: ${what || "no reason given"}`);
}
