// Requests to a server in the same process, and people to make them.

/** Whatever answers requests: kernel/http, or a whole server. */
export interface Answering {
  fetch(request: Request): Promise<Response>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of the body, {} when there is none. Tests compare it with what they expect, field by field. */
  readonly body: Record<string, unknown>;
}

export interface Call {
  readonly token?: string | undefined;
  /** Sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A person who has signed up and logged in. */
export interface Person {
  readonly email: string;
  readonly password: string;
  readonly userId: string;
  readonly projectId: string;
  readonly token: string;
  readonly refreshToken: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

const BASE = "http://stoa.test";
const API = "/api/v1";
export const TEST_PASSWORD = "quiet marble colonnade";

let people = 0;

/** `path` stands under /api/v1 unless it begins with it or is a path of the root, such as /.well-known/…. */
export async function send(
  server: Answering,
  method: string,
  path: string,
  { token, body, headers = {} }: Call = {},
): Promise<Answer> {
  const all = new Headers(headers);
  if (token !== undefined) all.set("Authorization", `Bearer ${token}`);
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  if (body !== undefined && !all.has("Content-Type")) all.set("Content-Type", "application/json");
  const url = BASE + (path.startsWith(API) || path.startsWith("/.well-known/") ? path : API + path);
  const payload = body === undefined ? null : isRaw ? body : JSON.stringify(body);
  const response = await server.fetch(new Request(url, { method, headers: all, body: payload }));
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    // Every body of the API is a JSON object.
    body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** Signs a new person up and logs in. */
export async function signUp(server: Answering, options: { name?: string } = {}): Promise<Person> {
  const email = `person${++people}.${process.pid}@example.org`;
  const signedUp = await send(server, "POST", "/auth/signup", {
    body: { email, password: TEST_PASSWORD, ...options },
  });
  if (signedUp.status !== 201)
    throw new Error(`sign-up: ${signedUp.status} ${JSON.stringify(signedUp.body)}`);
  return { ...(await logIn(server, email)), projectId: String(signedUp.body.project_id) };
}

/** Logs a person in whose password is TEST_PASSWORD: another device. */
export async function logIn(server: Answering, email: string): Promise<Person> {
  const answer = await send(server, "POST", "/auth/login", { body: { email, password: TEST_PASSWORD } });
  if (answer.status !== 200) throw new Error(`log-in: ${answer.status} ${JSON.stringify(answer.body)}`);
  const userId = String(answer.body.user_id);
  const token = String(answer.body.access_token);
  return {
    email,
    password: TEST_PASSWORD,
    userId,
    projectId: userId,
    token,
    refreshToken: String(answer.body.refresh_token),
    call: (method, path, body, headers = {}) => send(server, method, path, { token, body, headers }),
  };
}

/** A project of this person's; returns its id. */
export async function createProject(owner: Person, name = "Colonnade"): Promise<string> {
  const answer = await owner.call("POST", "/projects", { name });
  if (answer.status !== 201) throw new Error(`project: ${answer.status} ${JSON.stringify(answer.body)}`);
  return String(answer.body.id);
}

/** Gives a person a role in the owner's project. */
export async function share(
  owner: Person,
  projectId: string,
  person: Person,
  role: "collaborator" | "viewer",
): Promise<void> {
  const path = `/projects/${projectId}/collaborators`;
  const answer = await owner.call("POST", path, { user_id: person.userId, role });
  if (answer.status !== 201) throw new Error(`share: ${answer.status} ${JSON.stringify(answer.body)}`);
}
