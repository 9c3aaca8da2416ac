// The route of a project's numbers.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { integerParameter, type Route, route } from "../../../kernel/http/index.ts";
import { homeProjectId, projectErrors } from "../../projects/index.ts";
import type { GetStatistics } from "../statistics.ts";
import { projectId } from "./paragraphs.ts";

export interface StatisticsRouteDeps {
  readonly db: Database;
  readonly getStatistics: GetStatistics;
}

const query = z.strictObject({
  project_id: projectId,
  days: integerParameter({
    min: 1,
    max: 366,
    default: 30,
    description: "Days of `by_day` up to today, 1 to 366.",
  }),
});
const statistics = z.strictObject({
  paragraphs: z.int().meta({ description: "Analysed ones." }),
  words: z.int().meta({ description: "Occurrences of words in them." }),
  distinct_words: z.int(),
  by_day: z
    .array(z.strictObject({ day: z.iso.date(), paragraphs: z.int() }))
    .meta({ description: "Paragraphs handed in on each day (UTC) that are still there, oldest first." }),
  computed_at: z.iso.datetime().meta({ description: "Of `distinct_words` and `by_day`." }),
});

export function statisticsRoutes({ db, getStatistics }: StatisticsRouteDeps): Route[] {
  return [
    route(
      {
        tag: "paragraphs",
        access: "user or key",
        permission: "paragraphs.read",
        method: "GET",
        path: "/api/v1/texts/statistics",
        operationId: "getTextStatistics",
        summary: "Read how much text a project holds, and how it grew",
        description:
          "`paragraphs` and `words` are exact at once. In projects of 10,000 paragraphs and more the rest may be a minute old.",
        query,
        responses: { 200: { description: "The numbers.", schema: statistics } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { days, project_id } }) => {
        const found = await getStatistics(db.sql, actor, {
          projectId: project_id ?? homeProjectId(actor),
          days,
        });
        return {
          status: 200,
          body: {
            paragraphs: found.paragraphs,
            words: found.words,
            distinct_words: found.distinctWords,
            by_day: found.days,
            computed_at: new Date(found.countedAtMs).toISOString(),
          },
        };
      },
    ),
  ];
}
