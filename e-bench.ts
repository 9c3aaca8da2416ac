import { Database } from "bun:sqlite";
import { openTestDatabase } from "./src/testing/database.ts";
import { textsMigrations, createTextSource, createTokenizer, createWordIndex } from "./src/modules/texts/index.ts";
import { newId } from "./src/kernel/ids/index.ts";
import { createPostgresEngine } from "./src/modules/search/postgres/engine.ts";
import { parseQuery } from "./src/modules/search/query/parse.ts";
import { createLanguage, makeParagraphs } from "./bench/text/zipf.ts";
import { createRandom } from "./bench/text/random.ts";
const N = Number(process.argv[2] ?? 100000);
const db = await openTestDatabase([textsMigrations]);
const tokenizer = createTokenizer();
const index = createWordIndex(tokenizer);
const source = createTextSource(tokenizer, index);
const engine = createPostgresEngine({ source, clock: { now: () => Date.now() } });
const projectId = newId(), author = newId();
const language = createLanguage();
const cpu = () => { const c = process.cpuUsage(); return (c.user + c.system) / 1000; };
let t0 = performance.now(), c0 = cpu();
let batch: string[] = []; let done = 0;
const run = { sql: db.longSql, inTransaction: (work: any) => db.transaction(work, { pool: "long" }), signal: new AbortController().signal };
async function flush() {
  const rows = batch.map((content) => ({ id: newId(), content }));
  await db.sql`INSERT INTO paragraphs (id, project_id, author_id, content, length) SELECT p.id, ${projectId}, ${author}, p.content, length(p.content) FROM unnest(${rows.map(r=>r.id)}::uuid[], ${rows.map(r=>r.content)}::text[]) AS p (id, content)`;
  const counted = rows.map((r) => { const text = index.readText(r.content); return { id: r.id, authorId: author, postId: null, content: r.content, lang: "und", text }; });
  const taken = await db.transaction((tx) => index.take(tx, projectId, counted), {pool:"long"});
  done += batch.length; batch = [];
  if (taken.isDue) await index.maintain(run as any, projectId);
  if (done % 50000 === 0) { console.log(done, "wall/s", (50000/((performance.now()-t0)/1000))|0, "own cpu/s", (50000/((cpu()-c0)/1000))|0); t0=performance.now(); c0=cpu(); }
}
for (const p of makeParagraphs(language, { count: N, words: 60, seed: 3 })) { batch.push(p); if (batch.length === 2000) await flush(); }
if (batch.length) await flush();
const [size] = await db.sql<any>`SELECT pg_total_relation_size('text_postings')::float8 AS p, pg_total_relation_size('text_segments')::float8 AS s, pg_total_relation_size('text_words')::float8 AS w, (SELECT count(*) FROM text_segments)::int AS n, (SELECT count(*) FROM text_postings)::int AS rows, (select sum(length(postings)) from text_postings)::float8 as pb, (select sum(length(positions)) from text_postings)::float8 as qb`;
console.log("bytes/paragraph", (size.p/N)|0, (size.s/N)|0, (size.w/N)|0, "segments", size.n, "rows", size.rows, "postings B", (size.pb/N)|0, "positions B", (size.qb/N)|0);
await db.sql.unsafe("VACUUM ANALYZE");
const random = createRandom(9);
const read = (text: string) => tokenizer.listTerms(text).map((t) => t.word);
const queries: Record<string, string[]> = { and: [], or: [], phrase: [], prefix: [], common: [] };
const sample = [...makeParagraphs(language, { count: 400, words: 60, seed: 77 })].map(p => p.slice(0,-1).split(" "));
for (let i = 0; i < 200; i++) {
  const a = language.draw(random), b = language.draw(random);
  queries.and.push(`${a} ${b}`); queries.or.push(`${a} OR ${b}`);
  const s = sample[i]!; queries.phrase.push(`"${s[3]} ${s[4]}"`); queries.prefix.push(`${a.slice(0,3)}*`);
}
for (let i=0;i<20;i++) queries.common.push(`${language.words[i]} OR ${language.words[i+1]}`);
async function measure(name: string, list: string[], sort: any) {
  const ms: number[] = [], cpus: number[] = [];
  for (const q of list) {
    const query = parseQuery(q, read).query!;
    const c = cpu(), t = performance.now();
    const r = await engine.search(db.sql, { projectId, query, sort, filter: {}, limit: 10, facets: [], isFuzzy: false });
    ms.push(performance.now() - t); cpus.push(cpu() - c);
  }
  const pct = (a: number[], p: number) => [...a].sort((x, y) => x - y)[Math.min(a.length-1, Math.floor(a.length * p))]!.toFixed(1);
  console.log(name.padEnd(16), "wall p50", pct(ms, .5), "p99", pct(ms, .99), "max", pct(ms, 1), "| cpu p50", pct(cpus, .5), "p99", pct(cpus, .99), "max", pct(cpus,1));
}
for (const round of ["cold", "warm"]) {
  await measure(round+" or rel", queries.or, "relevance");
  await measure(round+" and rel", queries.and, "relevance");
  await measure(round+" and new", queries.and, "newest");
  await measure(round+" or new", queries.or, "newest");
  await measure(round+" phrase", queries.phrase, "relevance");
  await measure(round+" prefix", queries.prefix, "relevance");
  await measure(round+" common or", queries.common, "relevance");
}
const sg: number[]=[]; for (let i=0;i<300;i++){ const t=performance.now(); await engine.suggest(db.sql, projectId, language.draw(random).slice(0,1+i%4), 8); sg.push(performance.now()-t);} sg.sort((a,b)=>a-b); console.log("suggest p50", sg[150]!.toFixed(2), "p99", sg[296]!.toFixed(2), "max", sg[299]!.toFixed(1));
console.log("rss MB", (process.memoryUsage.rss()/1e6)|0);
Bun.gc(true); console.log("rss after gc", (process.memoryUsage.rss()/1e6)|0);
process.exit(0);
