// Pages that mails link to where there is no front end with pages of its own: confirm an address, choose a new password.
import { join } from "node:path";
import { z } from "zod";
import {
  fileAt,
  htmlPage,
  type Route,
  type RouteSpec,
  route,
  serveFile,
} from "../../../kernel/http/index.ts";
import { PASSWORD_MAX_LENGTH } from "../password.ts";

const SCRIPT = "/auth/link-page.js";

/** The token stands after the # of the address: it reaches this server only in the body of the POST that uses it. */
export function pageRoutes(): Route[] {
  const script = serveFile(
    fileAt(join(import.meta.dirname, "link-page.js"), "text/javascript; charset=utf-8"),
  );
  return [
    route(open("/auth/verify", "showVerifyPage", "Where mails lead to confirm an address"), async () =>
      linkPage({
        title: "Confirm your address",
        call: "/api/v1/auth/email/verify",
        lead: "One click, and this address is yours.",
        fields: "",
        button: "Confirm",
        done: "Your address is confirmed. You can close this page.",
      }),
    ),
    route(open("/auth/reset", "showResetPage", "Where mails lead to choose a new password"), async () =>
      linkPage({
        title: "Choose a new password",
        call: "/api/v1/auth/password/reset",
        lead: "Devices that are signed in will be signed out.",
        fields: `<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" maxlength="${PASSWORD_MAX_LENGTH}" required autofocus>`,
        button: "Set the password",
        done: "Your password is set. Sign in with it.",
      }),
    ),
    route(open(SCRIPT, "getLinkPageScript", "The script of these pages"), ({ request }) => script(request)),
  ];
}

interface LinkPage {
  readonly title: string;
  /** Takes the token, and what is in the fields. */
  readonly call: string;
  readonly lead: string;
  readonly fields: string;
  readonly button: string;
  readonly done: string;
}

function linkPage({ title, call, lead, fields, button, done }: LinkPage): Response {
  return htmlPage({
    title: `${title} · Stoa`,
    path: "",
    scripts: [SCRIPT],
    main: `<h1>${title}</h1>
<p class="lead">${lead}</p>
<form class="link" data-call="${call}" data-done="${done}">
${fields}
<button type="submit">${button}</button>
</form>
<p id="outcome" role="status" aria-live="polite"></p>
<noscript><p>This page needs JavaScript, since the link's secret never leaves your browser before you ask for it.</p></noscript>`,
  });
}

function open(path: string, operationId: string, summary: string) {
  return {
    method: "GET",
    path,
    operationId,
    tag: "accounts",
    summary,
    access: "public",
    limit: "none",
    // Programs that show mails like to add parameters.
    query: z.looseObject({}),
    responses: { 200: { description: "The page." } },
    isHidden: true,
  } satisfies RouteSpec<"public", undefined, Record<string, unknown>, undefined>;
}
