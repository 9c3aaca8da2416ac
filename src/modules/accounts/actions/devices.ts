// Devices: a log-in from one that was never seen is told to the owner by mail.
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Tx } from "../../../kernel/db/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import { fingerprint } from "../device.ts";
import type { AccountMails } from "../mails.ts";
import { noteDevice } from "../store/devices.ts";
import { countMail } from "../store/links.ts";
import { findUser } from "../store/users.ts";
import type { Device } from "./sessions.ts";

export interface DeviceDeps {
  readonly clock: Clock;
  readonly mailer: Mailer;
  readonly mails: AccountMails;
}

/** Call these in the transaction in which a session begins. */
export interface NewDevices {
  /** Remembers the device, and tells of it when it is new and not the first. */
  notice(tx: Tx, userId: string, device: Device): Promise<void>;
  tell(tx: Tx, userId: string, device: Device): Promise<void>;
}

export function createNewDevices({ clock, mailer, mails }: DeviceDeps): NewDevices {
  async function tell(tx: Tx, userId: string, device: Device): Promise<void> {
    const user = await findUser(tx, userId);
    if (!user || !(await countMail(tx, userId, "new device"))) return;
    await mailer.send(tx, mails.newDevice(user.email, device, new Date(clock.now())));
  }

  return {
    async notice(tx, userId, device) {
      if (await noteDevice(tx, userId, fingerprint(device))) await tell(tx, userId, device);
    },
    tell,
  };
}
