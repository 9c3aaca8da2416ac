import { newId } from "../../kernel/ids/index.ts";
import { testRefusals } from "../../testing/refusals.ts";
import { logIn, TEST_PASSWORD } from "../../testing/requests.ts";
import type { TestServer } from "../../testing/server.ts";

testRefusals({
  rule: "ACC-17",
  tags: ["accounts"],
  cases: {
    getMe: { least: "signed in", request: () => ({ path: "/auth/me" }) },
    verify: { least: "signed in", request: () => ({ path: "/auth/verify" }) },
    listAccountAudit: { least: "signed in", request: () => ({ path: "/auth/audit?limit=1" }) },
    logOut: { least: "signed in", request: () => ({ path: "/auth/logout" }) },
    listIdentities: { least: "signed in", request: () => ({ path: "/auth/identities?limit=1" }) },
    removeIdentity: {
      least: "signed in",
      async request({ server, owner }) {
        const id = newId();
        // The suite's server has a database; a scene only shows what answers requests.
        const { db } = server as TestServer;
        await db.sql`INSERT INTO identities (id, user_id, issuer, subject)
          VALUES (${id}, ${owner.userId}, 'https://id.example', ${id})`;
        return { path: `/auth/identities/${id}` };
      },
    },
    listSessions: { least: "signed in", request: () => ({ path: "/auth/sessions?limit=1" }) },
    removeSession: {
      least: "signed in",
      async request({ server, owner }) {
        const device = await logIn(server, owner.email);
        const { session_id: sessionId } = (await device.call("GET", "/auth/verify")).body;
        return { path: `/auth/sessions/${sessionId}` };
      },
    },
    sendVerification: { least: "signed in", request: () => ({ path: "/auth/email/verification" }) },
    changeEmail: {
      least: "signed in",
      request: () => ({
        path: "/auth/email/change",
        body: { email: "elsewhere@example.org", password: TEST_PASSWORD },
      }),
    },
    changePassword: {
      least: "signed in",
      isOfAnyone: true,
      request: () => ({
        path: "/auth/password/change",
        body: { current_password: TEST_PASSWORD, password: TEST_PASSWORD },
      }),
    },
    removeSessions: {
      least: "signed in",
      isOfAnyone: true,
      request: () => ({ path: "/auth/sessions" }),
    },
  },
});
