// The checker: compares what each subscriber saw with the log as PostgreSQL has it, and the log with what was acknowledged.
import type { SQL } from "bun";
import type { Subscriber } from "./subscribers.ts";
import type { Writer } from "./writers.ts";

interface Logged {
  readonly seq: number;
  readonly id: string;
  readonly name: string | null;
}

export async function readLog(sql: SQL, projectId: string): Promise<Logged[]> {
  return sql`SELECT seq::int AS seq, id, data->>'name' AS name FROM events WHERE project_id = ${projectId} ORDER BY seq`;
}

/** Sentences about what is wrong; none when all is well. */
export function checkSubscriber(subscriber: Subscriber, log: readonly Logged[], index: number): string[] {
  const who = `subscriber ${index} (${subscriber.kind})`;
  const from = subscriber.from();
  if (from === undefined) return [`${who} was never subscribed.`];
  const problems: string[] = [];
  if (subscriber.resets() > 0) problems.push(`${who} was told ${subscriber.resets()} times to reload.`);
  const expected = log.filter(({ seq }) => seq > from);
  const { seen } = subscriber;
  const differs = expected.findIndex((event, at) => seen[at]?.seq !== event.seq || seen[at]?.id !== event.id);
  if (differs >= 0) {
    const window = (items: readonly { seq: number }[]) =>
      items.slice(Math.max(0, differs - 2), differs + 3).map(({ seq }) => seq);
    problems.push(
      `${who} saw ${window(seen).join(", ") || "nothing"} where the log has ${window(expected).join(", ")}.`,
    );
  } else if (seen.length > expected.length) {
    problems.push(`${who} saw ${seen.length - expected.length} events that the log does not have.`);
  }
  return problems;
}

/** Every acknowledged write once in the log, in the order of its writer, and the numbers without a gap. */
export function checkLog(writer: Writer, log: readonly Logged[]): string[] {
  const problems: string[] = [];
  if (log.some(({ seq }, at) => seq !== at + 1)) problems.push(`the log of ${writer.projectId} has a gap.`);
  const places = new Map<string, number[]>();
  for (const { name, seq } of log) if (name !== null) places.set(name, [...(places.get(name) ?? []), seq]);
  let before = 0;
  for (const name of writer.acknowledged) {
    const found = places.get(name) ?? [];
    if (found.length !== 1)
      problems.push(`${name} was acknowledged and is ${found.length} times in the log.`);
    if ((found[0] ?? 0) < before) problems.push(`${name} stands before what was acknowledged earlier.`);
    before = found[0] ?? before;
  }
  return problems;
}
