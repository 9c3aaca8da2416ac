// What goes between the gateway and a thread of documents.
import type { Shelf } from "./shelf.ts";

export interface Order {
  readonly id: number;
  readonly does: keyof Shelf;
  readonly given: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: string };
