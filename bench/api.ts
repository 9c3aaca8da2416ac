// The few calls of the public API that the bench makes besides the load itself.
import { randomUUID } from "node:crypto";

export interface Paragraph {
  readonly id: string;
  readonly status: "pending" | "analysed";
}

export interface Api {
  readonly port: number;
  readonly token: string;
  readonly userId: string;
  createProject(name: string): Promise<string>;
  /** Returns the paragraph's id and its job's. */
  createParagraph(projectId: string, content: string): Promise<{ id: string; jobId: string }>;
  /** Streams a text and returns its job's id and how many paragraphs were taken. */
  importText(
    projectId: string,
    text: string | ReadableStream<Uint8Array>,
  ): Promise<{ jobId: string; accepted: number }>;
  /** Waits until the job has succeeded; throws when it ends otherwise. */
  awaitJob(jobId: string): Promise<void>;
  listParagraphs(projectId: string): Promise<Paragraph[]>;
}

const POLL_MS = 5;

/** Signs up a new user. */
export async function openApi(port: number): Promise<Api> {
  const base = `http://127.0.0.1:${port}/api/v1`;
  const account = { email: `bench-${randomUUID()}@example.com`, password: `lapping ${randomUUID()}` };
  const call = async <T>(path: string, init: RequestInit = {}, token = ""): Promise<T> => {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...init.headers };
    const answer = await fetch(base + path, { ...init, headers });
    if (!answer.ok)
      throw new Error(`${init.method ?? "GET"} ${path}: ${answer.status} ${await answer.text()}`);
    // What each call answers is in the API description.
    return (await answer.json()) as T;
  };
  const post = <T>(path: string, body: unknown, token = "") =>
    call<T>(path, { method: "POST", body: JSON.stringify(body) }, token);

  await post("/auth/signup", account);
  const login = await post<{ user_id: string; access_token: string }>("/auth/login", account);
  const token = login.access_token;

  return {
    port,
    token,
    userId: login.user_id,
    createProject: async (name) => (await post<{ id: string }>("/projects", { name }, token)).id,
    async createParagraph(projectId, content) {
      const body = { project_id: projectId, paragraphs: [content] };
      const answer = await post<{ paragraphs: { id: string }[]; job_id: string }>("/paragraphs", body, token);
      return { id: answer.paragraphs[0]?.id ?? "", jobId: answer.job_id };
    },
    async importText(projectId, text) {
      const path = `/paragraphs/import?project_id=${projectId}`;
      const init = { method: "POST", body: text, headers: { "Content-Type": "text/plain" } };
      const answer = await call<{ job_id: string; accepted: number }>(path, init, token);
      return { jobId: answer.job_id, accepted: answer.accepted };
    },
    async awaitJob(jobId) {
      for (;;) {
        const job = await call<{ status: string; error: unknown }>(`/jobs/${jobId}`, {}, token);
        if (job.status === "succeeded") return;
        if (["failed", "cancelled"].includes(job.status))
          throw new Error(`job ${job.status}: ${JSON.stringify(job.error)}`);
        await Bun.sleep(POLL_MS);
      }
    },
    async listParagraphs(projectId) {
      const found: Paragraph[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const query: string = `project_id=${projectId}&limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
        const page: { items: Paragraph[]; next_cursor: string | null } = await call(
          `/paragraphs?${query}`,
          {},
          token,
        );
        found.push(...page.items.map(({ id, status }) => ({ id, status })));
        cursor = page.next_cursor;
      }
      return found;
    },
  };
}
