import type { CliLogin } from "./cli-login.ts";
import type { Device } from "./device.ts";
import type { Occasion } from "./faults.ts";

/** Where a command of the top is said, and by whom; `login` is undefined for a script. */
export interface CliContext {
  readonly device: Device;
  readonly login: CliLogin | undefined;
  /** The line or the request, as faults see it. */
  readonly occasion: Occasion | undefined;
}
