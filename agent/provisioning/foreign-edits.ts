import type { DeviceStatus } from "../../drivers/driver.ts";
import type { DeviceSettings, RunSettings } from "../config.ts";
import { PutOff } from "./outcome.ts";

/** Remembers, per device and between runs, since when somebody else's unsaved edits have been standing. */
export interface ForeignEdits {
  /** Throws PutOff while they are to be waited for; otherwise a warning for the tasks of this run, if there is one. */
  admit(status: DeviceStatus, ownUnsaved: boolean): string | undefined;
}

/** A save of ours would also save what another administrator is still working on; `policy` says what then. */
export function watchForeignEdits(
  device: string,
  policy: DeviceSettings["foreignEdits"],
  settings: Pick<RunSettings, "foreignEditsWaitMs">,
  now: () => number,
): ForeignEdits {
  let since: number | undefined;
  return {
    admit(status, ownUnsaved) {
      if (status.saveNeeded !== true || ownUnsaved) {
        since = undefined;
        return undefined;
      }
      since ??= now();
      const standing = now() - since;
      const who = `device ${device} holds unsaved changes that were not made here`;
      if (policy === "refuse")
        throw new PutOff("foreign-edits", `${who}: nothing is written until they are saved or discarded there`, {
          afterMs: 60_000,
        });
      if (policy === "wait" && standing < settings.foreignEditsWaitMs)
        throw new PutOff(
          "foreign-edits",
          `${who}: waiting until they are saved there, at most until ${new Date(since + settings.foreignEditsWaitMs).toISOString()}`,
          {
            afterMs: Math.min(30_000, settings.foreignEditsWaitMs - standing),
          },
        );
      since = undefined;
      return `Unsaved changes of others on device ${device} were saved along with this customer's.`;
    },
  };
}
