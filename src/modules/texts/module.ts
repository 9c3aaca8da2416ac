// Wiring of texts: mounts the routes, registers the jobs, has its part in erasing projects, returns the face.
import { join } from "node:path";
import type { MigrationSet, Query, Sql, Tx } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Projects } from "../projects/index.ts";
import { createFetchActions } from "./actions/fetch.ts";
import { createImport } from "./actions/import.ts";
import { createParagraphActions } from "./actions/paragraphs.ts";
import { createPostParagraphs, type PostText } from "./actions/post-paragraphs.ts";
import { createFindTop, type FindTop } from "./actions/top.ts";
import { createCounted } from "./counted.ts";
import { exportPart } from "./export.ts";
import { fetchRoutes } from "./http/fetch.ts";
import { importRoutes } from "./http/import.ts";
import { paragraphRoutes } from "./http/paragraphs.ts";
import { statisticsRoutes } from "./http/statistics.ts";
import { wordRoutes } from "./http/words.ts";
import { createFileSource } from "./import-file.ts";
import { createImportStream } from "./import-job.ts";
import { deleteOldPositions, deleteSomePositions } from "./import-store.ts";
import { createTextImportTask } from "./import-task.ts";
import { createUrlSource } from "./import-url.ts";
import { ANALYSE_KEY, ANALYSE_LANE, createAnalyseTask, createReanalyseTask, importTask } from "./jobs.ts";
import { createPace } from "./pace.ts";
import { createTextSource, type TextSource } from "./search-source.ts";
import { createPageReader } from "./source/page-reader.ts";
import { createReadSource } from "./source/text-source.ts";
import { createGetStatistics } from "./statistics.ts";
import { deleteSome } from "./store.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";
import { createWordIndex, type Verification, type WordIndex } from "./word-index/index.ts";

export interface Texts {
  /** Holds the indexes of all projects, or of one, against their paragraphs, one after the other. */
  verifyIndexes(projectId?: string): AsyncIterable<Verification>;
  /** For the search module. */
  readonly source: TextSource;
  /** The paragraphs of a Markdown text, in its order. Throws PARAGRAPH_TOO_LONG or TOO_MANY_PARAGRAPHS (422). */
  splitMarkdown(text: string): readonly string[];
  /** The paragraphs of a post, as a column of the statement that reads it: sql`SELECT …, ${paragraphsColumn(sql, sql`p.id`)} AS …`. */
  paragraphsColumn(sql: Sql, postId: Query<unknown>): Query<unknown>;
  /**
   * Parts of the statement that saves a post, so that one round trip saves it all: sql`WITH post AS (UPDATE … RETURNING …),
   * ${postParts(tx, text)}, …`. If `post` has a row they make these its paragraphs: those that it has already stay as they are, with
   * their ids and counts; what is new will be analysed, what is gone counts no longer. They ask nobody's permission and announce
   * nothing, since the post does both; what announces it reads from `post_job`, to come after them.
   */
  postParts(tx: Tx, post: PostText): Query<unknown>;
  /** The most frequent words of a project, from the running totals. Asks nobody's permission. */
  readonly listFrequent: WordIndex["frequent"];
  /** The paragraphs in which a word occurs most, with its totals. Throws PROJECT_NOT_FOUND, WORD_MISSING, WORD_NOT_SINGLE. */
  readonly findTop: FindTop;
  /** In how many paragraphs a word, as findTop gives it, occurs day by day. Asks nobody's permission. */
  readonly listDays: WordIndex["days"];
  /** Calls after each change of a project's counts, in the process that made it. */
  onCounted(listener: (projectId: string) => void): void;
}

export const textsMigrations: MigrationSet = {
  module: "texts",
  directory: join(import.meta.dirname, "migrations"),
};

export type TextsKernel = Pick<
  Kernel,
  "cache" | "clock" | "config" | "db" | "events" | "files" | "jobs" | "http" | "lifecycle" | "outbound"
>;

/** Enough for one start; what is left waits for the next. */
const MAX_OUTDATED = 10_000;

export function createTexts(kernel: TextsKernel, projects: Projects): Texts {
  const { cache, clock, config, db, events, files, jobs, http, lifecycle, outbound } = kernel;
  const tokenizer = createTokenizer();
  const index = createWordIndex(tokenizer);
  const counted = createCounted();
  const analyseTask = createAnalyseTask({
    db,
    events,
    index,
    onCounted: counted.notify,
  });
  jobs.register(analyseTask);
  jobs.register(importTask);
  jobs.register(createReanalyseTask({ db, index, jobs, analyseTask }));

  const pace = createPace(clock, () => jobs.wake(ANALYSE_LANE));
  const actions = createParagraphActions({
    events,
    jobs,
    pace,
    projects,
    tokenizer,
    index,
    analyseTask,
    onCounted: counted.notify,
  });
  const findTop = createFindTop({ projects, tokenizer, index });
  const importStream = createImportStream({ db, paragraphs: actions });
  const getStatistics = createGetStatistics({ cache, clock, projects, index });
  const importFile = createImport({ db, jobs, paragraphs: actions });
  jobs.register(
    createTextImportTask(importStream, {
      url: createUrlSource(outbound),
      file_id: createFileSource({ db, files }),
    }),
  );
  const pages = createPageReader();
  lifecycle.add(pages);
  const readSource = createReadSource({ outbound, pages, defaultUrl: config.textSourceUrl });
  http.mount([
    ...fetchRoutes({ db, actions: createFetchActions({ paragraphs: actions, readSource }) }),
    ...paragraphRoutes({ db, actions }),
    ...wordRoutes({ db, actions, findTop }),
    ...statisticsRoutes({ db, getStatistics }),
    ...importRoutes({ db, actions, importFile }),
  ]);

  projects.onExport(exportPart);
  projects.onErase({
    module: "texts",
    async erase(tx, projectId, limit) {
      // Paragraphs first: without them nothing is left to analyse that could write to the index again.
      const paragraphs = await deleteSome(tx, projectId, limit);
      if (paragraphs > 0) return paragraphs;
      const imports = await deleteSomePositions(tx, projectId, limit);
      return imports > 0 ? imports : index.erase(tx, projectId, limit);
    },
  });

  lifecycle.add({
    name: "texts",
    /** A new version of the tokenizer: every project is indexed anew, in the background, while the old index answers. */
    async start() {
      await db.single((tx) => deleteOldPositions(tx, config.jobRetentionDays + 1));
      for (const projectId of await index.listOutdated(db.sql, MAX_OUTDATED)) {
        const options = { projectId, uniqueKey: ANALYSE_KEY, priority: "low" } as const;
        await db.single((tx) => jobs.enqueue(tx, analyseTask, { project_id: projectId }, options));
      }
    },
    async stop() {},
  });

  const source = createTextSource(tokenizer, index);
  async function* verifyIndexes(projectId?: string): AsyncGenerator<Verification> {
    for (const each of projectId === undefined ? await index.listProjects(db.longSql) : [projectId]) {
      const verification = await index.verify(db, each);
      if (verification) yield verification;
    }
  }
  return {
    ...createPostParagraphs({ jobs, pace, index, analyseTask }),
    listFrequent: index.frequent,
    findTop,
    listDays: index.days,
    onCounted: counted.listen,
    source,
    verifyIndexes,
  };
}
