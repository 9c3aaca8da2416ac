// A browser that signs somebody in: it keeps cookies by origin and follows redirects, to the server in this process or to issuers.
import type { Answering } from "../../../testing/requests.ts";

/** Where PUBLIC_URL of the tests' servers points. */
export const STOA = "http://stoa.test";
/** A page of this origin is where sign-ins end; it is not fetched. */
export const APP = "https://app.example";

export interface Page {
  /** Where it came to a rest: at the app, or at an answer that is no redirect. */
  readonly url: URL;
  /** Undefined at the app. */
  readonly status?: number;
  readonly body: Record<string, unknown>;
}

export interface Browser {
  /** Opens an address and follows where it leads; `stopAt` names an address it must not open any more. */
  open(address: string, options?: { readonly stopAt?: string }): Promise<Page>;
  /** Cookies for an origin, as its Cookie header. */
  cookiesFor(origin: string): string;
}

const MAX_REDIRECTS = 15;

export function createBrowser(server: Answering): Browser {
  const jar = new Map<string, Map<string, string>>();

  function keep(origin: string, headers: Headers): void {
    const cookies = jar.get(origin) ?? new Map<string, string>();
    jar.set(origin, cookies);
    for (const line of headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line) || value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
  }

  const cookiesFor = (origin: string) =>
    [...(jar.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");

  async function ask(url: URL): Promise<Response> {
    const cookie = cookiesFor(url.origin);
    const request = new Request(url.href, { headers: cookie ? { cookie } : {}, redirect: "manual" });
    const response = url.origin === STOA ? await server.fetch(request) : await fetch(request);
    keep(url.origin, response.headers);
    return response;
  }

  return {
    cookiesFor,
    async open(address, { stopAt } = {}) {
      let url = new URL(address);
      for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
        if (url.origin === APP || (stopAt !== undefined && url.href.startsWith(stopAt)))
          return { url, body: {} };
        const response = await ask(url);
        const location = response.headers.get("location");
        if (location === null || response.status < 300 || response.status > 399) {
          const text = await response.text();
          // Problems and answers of the API are JSON objects; an issuer's page is shown as text.
          const body = /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : { text };
          return { url, status: response.status, body };
        }
        url = new URL(location, url);
      }
      throw new Error(`more than ${MAX_REDIRECTS} redirects from ${address}`);
    },
  };
}
