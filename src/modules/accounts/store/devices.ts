// SQL over the devices that users were seen on.
import type { Tx } from "../../../kernel/db/index.ts";

/** Remembers the device; true when it is new and not the user's first. */
export async function noteDevice(tx: Tx, userId: string, device: Uint8Array): Promise<boolean> {
  const [row] = await tx<{ is_further: boolean }>`
    WITH others AS (SELECT EXISTS (SELECT FROM known_devices WHERE user_id = ${userId}) AS are_there)
    INSERT INTO known_devices (user_id, device) VALUES (${userId}, ${device})
    ON CONFLICT (user_id, device) DO UPDATE SET last_seen_at = now()
    RETURNING xmax = 0 AND (SELECT are_there FROM others) AS is_further`;
  return row?.is_further ?? false;
}
