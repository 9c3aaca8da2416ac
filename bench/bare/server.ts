// The bare loop: the same questions over the same stack with no product around them; the ceiling ours is held against.
import { randomUUID } from "node:crypto";
import { SQL } from "bun";
import { Hono } from "hono";
import { z } from "zod";

// Started by bench/bare/process.ts alone, which passes these.
const options = JSON.parse(process.argv[2] ?? "{}") as {
  socketDir: string;
  url: string;
  poolSize: number;
  token: string;
  userId: string;
};
const sql = new SQL({
  url: options.url,
  path: options.socketDir,
  adapter: "postgres",
  max: options.poolSize,
});
/** A verified token is remembered, as ours are. */
const users = new Map([[options.token, options.userId]]);

const idParams = z.object({ id: z.uuid() });
const newParagraph = z.object({
  project_id: z.uuid(),
  paragraphs: z.array(z.string().min(1).max(100_000)).length(1),
});
const topQuery = z.object({
  project_id: z.uuid(),
  word: z.string(),
  limit: z.coerce.number().max(100).default(10),
});

const app = new Hono<{ Variables: { userId: string } }>();
app.use(async (context, next) => {
  const userId = users.get(context.req.header("authorization")?.slice(7) ?? "");
  if (!userId) return context.json({ code: "UNAUTHENTICATED" }, 401);
  context.set("userId", userId);
  context.header("X-Request-Id", randomUUID());
  context.header("X-Content-Type-Options", "nosniff");
  return next();
});

app.get("/paragraphs/:id", async (context) => {
  const { id } = idParams.parse(context.req.param());
  const [row] = await sql`
    SELECT paragraphs.*, members.role FROM paragraphs JOIN members USING (project_id)
    WHERE paragraphs.id = ${id} AND members.user_id = ${context.get("userId")}`;
  return row ? context.json(row) : context.json({ code: "NOT_FOUND" }, 404);
});

app.post("/paragraphs", async (context) => {
  const body = newParagraph.parse(await context.req.json());
  const id = randomUUID();
  await sql`
    WITH paragraph AS (
      INSERT INTO paragraphs (id, project_id, author_id, content)
      VALUES (${id}, ${body.project_id}, ${context.get("userId")}, ${body.paragraphs[0]})
    ), head AS (
      UPDATE heads SET seq = seq + 1 WHERE project_id = ${body.project_id} RETURNING seq
    )
    INSERT INTO events (project_id, seq, subject, data)
    SELECT ${body.project_id}, seq, ${id}, ${{ ids: [id] }} FROM head`;
  return context.json({ paragraphs: [{ id, status: "pending" }] }, 202);
});

app.get("/paragraphs/top/words", async (context) => {
  const { project_id, word, limit } = topQuery.parse(context.req.query());
  const rows = await sql`
    SELECT count, paragraphs.* FROM word_counts JOIN paragraphs ON paragraphs.id = paragraph_id
    WHERE word_counts.project_id = ${project_id} AND word = ${word} ORDER BY count DESC, paragraph_id LIMIT ${limit}`;
  return context.json({ word, items: rows });
});

const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
console.log(server.port);
