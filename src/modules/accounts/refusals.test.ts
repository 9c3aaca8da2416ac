import { testRefusals } from "../../testing/refusals.ts";
import { logIn } from "../../testing/requests.ts";

testRefusals({
  rule: "ACC-17",
  tags: ["accounts"],
  cases: {
    getMe: { least: "signed in", request: () => ({ path: "/auth/me" }) },
    verify: { least: "signed in", request: () => ({ path: "/auth/verify" }) },
    logOut: { least: "signed in", request: () => ({ path: "/auth/logout" }) },
    listSessions: { least: "signed in", request: () => ({ path: "/auth/sessions?limit=1" }) },
    removeSession: {
      least: "signed in",
      async request({ server, owner }) {
        const device = await logIn(server, owner.email);
        const { session_id: sessionId } = (await device.call("GET", "/auth/verify")).body;
        return { path: `/auth/sessions/${sessionId}` };
      },
    },
    // Last: it signs everyone out who asks as the owner.
    removeSessions: { least: "signed in", request: () => ({ path: "/auth/sessions" }) },
  },
});
