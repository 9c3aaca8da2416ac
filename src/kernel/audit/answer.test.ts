import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { csvLine } from "./csv.ts";
import { type AuditPage, auditMigrations, createAnswerAudit, createAudit } from "./index.ts";

let db: TestDatabase;
let audit: ReturnType<typeof createAudit>;
beforeAll(async () => {
  db = await openTestDatabase([auditMigrations]);
  audit = createAudit({ db, log: silentLogger, retentionDays: 365 });
});
afterAll(() => db.close());

const NASTY = ['=cmd|"/c calc"!A1', "a\r\nb,c", '","=1+1', "\u2028line", "'; DROP TABLE audit_entries; --"];

interface Asked {
  readonly projectId: string;
  readonly format?: "ndjson" | "csv";
  readonly accept?: string;
  readonly allow?: () => Promise<void>;
  readonly pages?: AuditPage[];
}

async function ask({ projectId, format, accept, allow = async () => {}, pages = [] }: Asked) {
  const answer = createAnswerAudit({
    list(sql, filter, page) {
      pages.push(page);
      return audit.list(sql, filter, page);
    },
  });
  const headers: Record<string, string> = accept === undefined ? {} : { Accept: accept };
  return answer(db.sql, {
    filter: { of: { projectId } },
    query: { limit: 20, format },
    request: new Request("http://stoa.test/", { headers }),
    keepOpen: () => {},
    allow,
  });
}

async function textOf(asked: Asked): Promise<string> {
  const answer = await ask(asked);
  if (!(answer instanceof Response)) throw new Error("no export");
  return answer.text();
}

async function writeNasty(projectId: string): Promise<void> {
  for (const subject of NASTY) {
    await db.single((tx) =>
      audit.record(tx, {
        action: "thing.done",
        projectId,
        actorId: null,
        subject,
        address: null,
        data: { note: subject },
      }),
    );
  }
}

/** Many entries, so that an export has several parts. */
async function writeMany(projectId: string, count: number): Promise<void> {
  await db.sql`INSERT INTO audit_entries (id, action, project_id, subject, data)
    SELECT gen_random_uuid(), 'thing.done', ${projectId}, n::text, '{}' FROM generate_series(1, ${count}::int) n`;
}

/** RFC 4180, read by hand so that the writer is not its own witness. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let row: string[] = [], match = cell.exec(text); match; match = cell.exec(text)) {
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] !== ",") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

test("[AUD-7] a value with line ends, quotes and separators stays one value, in the table and in every export", async () => {
  const projectId = newId();
  await writeNasty(projectId);
  const lines = (await textOf({ projectId, format: "ndjson" })).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).subject)).toEqual(NASTY.toReversed());
  const rows = parseCsv(await textOf({ projectId, format: "csv" }));
  expect(rows.length).toBe(NASTY.length + 1);
  expect(new Set(rows.map((row) => row.length))).toEqual(new Set([7]));
  expect(rows.slice(1).map((row) => row[4]?.replace(/^'(?==)/, ""))).toEqual(NASTY.toReversed());
});

test("[AUD-8] an export gives all, in parts that are read only as they are taken", async () => {
  const projectId = newId();
  await writeMany(projectId, 1_234);
  const pages: AuditPage[] = [];
  const answer = await ask({ projectId, format: "ndjson", pages });
  if (!(answer instanceof Response)) throw new Error("no export");
  const reader = answer.body?.getReader();
  await reader?.read();
  // The stream asks one part ahead, and no further before that is taken.
  expect(pages.length).toBeLessThanOrEqual(2);
  let bytes = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
    bytes += part.value.length;
  expect(bytes).toBeGreaterThan(0);
  expect(pages.map((page) => page.limit)).toEqual([500, 500, 500]);
  const all = (await textOf({ projectId, format: "ndjson" })).trimEnd().split("\n");
  expect(new Set(all.map((line) => JSON.parse(line).id)).size).toBe(1_234);
});

test("[AUD-8] the Accept header chooses, the query goes before it, and JSON is what others get", async () => {
  const projectId = newId();
  await writeMany(projectId, 1);
  const typeOf = async (asked: Omit<Asked, "projectId">) => {
    const answer = await ask({ projectId, ...asked });
    return answer instanceof Response ? answer.headers.get("content-type")?.split(";")[0] : "json";
  };
  expect(await typeOf({})).toBe("json");
  expect(await typeOf({ accept: "*/*" })).toBe("json");
  expect(await typeOf({ accept: "application/json, text/csv" })).toBe("json");
  expect(await typeOf({ accept: "text/html" })).toBe("json");
  expect(await typeOf({ accept: "text/csv; q=0.9" })).toBe("text/csv");
  expect(await typeOf({ accept: "application/x-ndjson" })).toBe("application/x-ndjson");
  expect(await typeOf({ accept: "text/csv", format: "ndjson" })).toBe("application/x-ndjson");
});

test("[AUD-9] a cell that a spreadsheet would run begins with an apostrophe, and no other", () => {
  for (const formula of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\u0000=1", "\n"]) {
    expect(csvLine([formula])).toBe(`"'${formula}"\r\n`);
  }
  for (const text of ["192.0.2.7", "2001:db8::1", "{}", "a=b", "", "a-b", "'"]) {
    expect(csvLine([text])).toBe(`"${text}"\r\n`);
  }
  expect(csvLine([null, 'a"b'])).toBe(`,"a""b"\r\n`);
});

test("[AUD-10] an export breaks off when its reader may not read on", async () => {
  const projectId = newId();
  await writeMany(projectId, 1_500);
  let asked = 0;
  const allow = async () => {
    if (++asked > 2) throw new Error("withdrawn");
  };
  const answer = await ask({ projectId, format: "csv", allow });
  if (!(answer instanceof Response)) throw new Error("no export");
  await expect(answer.text()).rejects.toThrow("withdrawn");
});
