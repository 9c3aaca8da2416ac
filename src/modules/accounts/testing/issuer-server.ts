// The application with issuers to sign in with, its audit trail kept in memory.
import { createApp } from "../../../app.ts";
import type { AuditEntry } from "../../../kernel/audit/index.ts";
import { kernelMigrations } from "../../../kernel/create-kernel.ts";
import { migrate } from "../../../kernel/db/index.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { createTestKernel, type TestKernel, type TestKernelOptions } from "../../../testing/kernel.ts";
import { type Answer, type Answering, send } from "../../../testing/requests.ts";
import { APP, type Browser, createBrowser, type Page, STOA } from "./browser.ts";

export interface IssuerSetup {
  readonly name: string;
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly scopes?: readonly string[];
}

export interface IssuerServer extends Answering {
  readonly kernel: TestKernel;
  readonly db: TestDatabase;
  readonly recorded: readonly AuditEntry[];
  /** Opens the sign-in in a browser, to its end. */
  signIn(name: string, browser?: Browser, query?: Readonly<Record<string, string>>): Promise<Page>;
  /** The same, and the code exchanged. */
  signInAndExchange(name: string, browser?: Browser): Promise<Answer>;
  stop(): Promise<void>;
}

export const RETURN_TO = `${APP}/signed-in?tab=1`;

export async function openIssuerServer(
  issuers: readonly IssuerSetup[],
  options: TestKernelOptions & { readonly db?: TestDatabase } = {},
): Promise<IssuerServer> {
  const db = options.db ?? (await openTestDatabase());
  const environment = {
    PUBLIC_URL: STOA,
    ALLOWED_ORIGINS: APP,
    // Sign-ins without end, all from one address.
    AUTH_RATE_LIMIT_PER_MINUTE: "0",
    RATE_LIMIT_PER_MINUTE: "0",
    OIDC_ISSUERS: JSON.stringify(issuers),
    ...options.environment,
  };
  const kernel = createTestKernel(db, { ...options, environment });
  const recorded: AuditEntry[] = [];
  const audit: TestKernel["audit"] = {
    ...kernel.audit,
    async record(tx, entry) {
      recorded.push(entry);
      await kernel.audit.record(tx, entry);
    },
  };
  const app = createApp({ ...kernel, audit });
  await migrate(db, [...kernelMigrations, ...app.migrations]);
  await kernel.start();
  const server = { fetch: kernel.http.fetch };

  async function signIn(
    name: string,
    browser = createBrowser(server),
    query: Readonly<Record<string, string>> = {},
  ) {
    const parameters = new URLSearchParams({ return_to: RETURN_TO, ...query });
    return browser.open(`${STOA}/api/v1/auth/${name}?${parameters}`);
  }

  return {
    ...server,
    kernel,
    db,
    recorded,
    signIn,
    async signInAndExchange(name, browser) {
      const { url } = await signIn(name, browser);
      return send(server, "POST", "/auth/exchange", { body: { code: url.searchParams.get("code") ?? "" } });
    },
    async stop() {
      await kernel.stop();
      await db.close();
    },
  };
}
