// What the negative control of co-editing does wrong: it relays before it stores, and now and then does not store.
import type { Sabotage } from "../chaos/saboteur.ts";

export const RELAYS_BEFORE_IT_STORES: Sabotage = {
  does: "relays before it stores, and loses some",
  file: "src/modules/coedit/document.ts",
  honest: "const { missed } = await this.record.append({ change, editorIds });",
  sabotaged: `this.seats.relay([change]);
    if (Math.random() < 0.02) return;
    const { missed } = await this.record.append({ change, editorIds });`,
};
