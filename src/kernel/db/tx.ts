// The face of a transaction, with what is to follow its commit.
import type { Sql, Tx } from "./sql.ts";

/** @param callbacks gathers what the transaction's code hands in. */
export function toTx(sql: Sql, callbacks: (() => void)[]): Tx {
  const run = (text: TemplateStringsArray, ...values: unknown[]) => sql(text, ...values);
  // Object.assign keeps the call signature, which is generic in Row and cannot be written on an arrow.
  return Object.assign(run, {
    unsafe: sql.unsafe.bind(sql),
    afterCommit: (callback: () => void) => void callbacks.push(callback),
  }) as Tx;
}
