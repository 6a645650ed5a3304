import type { DeviceStatus } from "../../drivers/driver.ts";
import type { DeviceSettings, RunSettings } from "../settings/config.ts";
import { PutOff } from "./outcome.ts";

/** Remembers, per device and between runs, since when somebody else's unsaved edits have been standing. */
export interface ForeignEdits {
  /** Told of every status that a run starts from. */
  look(status: DeviceStatus, ownUnsaved: boolean): void;
  /** Throws PutOff while they are to be waited for; otherwise a warning for the tasks of this run, if there is one. */
  admit(): string | undefined;
}

/** Longer than runs are apart that wait for the edits. */
const forgetMs = 300_000;

/** A save of ours would also save what another administrator is still working on; `policy` says what then. */
export function watchForeignEdits(
  device: string,
  policy: DeviceSettings["foreignEdits"],
  settings: Pick<RunSettings, "foreignEditsWaitMs">,
  now: () => number,
): ForeignEdits {
  let since: number | undefined;
  let lookedAt = 0;
  return {
    look(status, ownUnsaved) {
      const standing = status.saveNeeded === true && !ownUnsaved;
      // Nobody looked for a while: what stands now may be somebody's new work.
      if (!standing || now() - lookedAt > forgetMs) since = undefined;
      // A clock that was set back must not make them stand for longer: they are counted anew from there.
      if (standing) since = Math.min(since ?? now(), now());
      lookedAt = now();
    },
    admit() {
      if (since === undefined) return undefined;
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
