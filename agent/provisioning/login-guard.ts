import type { DeviceStatus, Driver } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { PutOff } from "./outcome.ts";
import { reach } from "../fail-points.ts";

export interface LoginGuard {
  /** Asks for the status, alone: it proves the log-in before anything else is sent with it. */
  firstStatus(driver: Driver, signal: AbortSignal): Promise<DeviceStatus>;
  /** Runs a log-in that a driver repeats in mid-run, counted as the first one is. Throws `auth` where none may be tried, PutOff where none may be yet. */
  again<T>(logIn: () => Promise<T>): Promise<T>;
  /** Counts a refusal that came in mid-run without a log-in of its own: the password expired, or the account was blocked. */
  noteRefusal(error: unknown): Promise<void>;
}

/**
 * Failed log-ins are counted in the store before each attempt, per device and credential, over all runs and commands,
 * because the device blocks the account and with it the people who use it. From `limit` on no attempt is made; one
 * that never ended, because the process was killed, stands in the way for `unendedMs`.
 */
export function guardLogins(
  journal: Pick<JournalStore, "beginLogin" | "endLogin">,
  device: string,
  credentialHash: string,
  bounds: { limit: number; unendedMs: number },
): LoginGuard {
  let accepted = false;

  async function counted<T>(attempt: () => Promise<T>): Promise<T> {
    const { allowed, retryAfterMs } = await journal.beginLogin(device, credentialHash, bounds);
    if (!allowed && retryAfterMs !== undefined)
      throw new PutOff(
        "login",
        `${device}: log-ins broke off before the device answered, as when the agent is killed; to spare the account the next one is tried in ${Math.ceil(retryAfterMs / 1_000)} s`,
        { afterMs: retryAfterMs },
      );
    if (!allowed)
      throw new DriverError(
        "auth",
        `${device}: no log-in was tried, ${bounds.limit} failed before and the device blocks the account: correct user or password, or run 'sbc-agent resume ${device} --reason ...'`,
      );
    reach("login-counted");
    try {
      const result = await attempt();
      await journal.endLogin(device, credentialHash, "accepted");
      reach("login-proven");
      accepted = true;
      return result;
    } catch (error) {
      // A device that may have refused has counted it for all that is known: so is it here, and the limit holds.
      const refused = error instanceof DriverError && (error.code === "auth" || error.mayBeRefused);
      if (refused) accepted = false;
      // Any other answer of the device came after the log-in, or before it: neither says that it failed.
      await journal.endLogin(device, credentialHash, refused ? "refused" : "undecided");
      throw error;
    }
  }

  return {
    firstStatus: (driver, signal) => counted(() => driver.status(signal)),
    again: counted,
    async noteRefusal(error) {
      // A refusal of a log-in is counted already.
      if (!accepted || !(error instanceof DriverError) || error.code !== "auth") return;
      await journal.beginLogin(device, credentialHash, bounds);
      await journal.endLogin(device, credentialHash, "refused");
    },
  };
}
