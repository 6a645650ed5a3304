import type { Device } from "./device.ts";
import type { Occasion } from "./faults.ts";
import { runScript } from "./script.ts";

/**
 * What happens to the device around a request or a line of a shell, by the faults that wait for it. Connections may be
 * gone afterwards.
 */
export async function strikeLife(device: Device, occasion: Occasion, when: "before" | "after"): Promise<void> {
  const { faults } = device;
  const isNow = (fault: { readonly when: "before" | "after" }): boolean => fault.when === when;
  const edit = faults.take("foreign-edit", occasion, isNow);
  if (edit !== undefined) await runScript(device, edit.lines.join("\n"), { source: "edit" });
  if (faults.take("reboot-at-line", occasion, isNow) !== undefined) device.reboot(false);
  if (faults.take("ha-switch", occasion, isNow) !== undefined) device.switchOver();
  if (faults.take("restore-backup", occasion, isNow) !== undefined) device.restore();
  const upgrade = faults.take("firmware-upgrade", occasion, isNow);
  if (upgrade !== undefined) device.become({ firmware: upgrade.firmware });
  const replaced = faults.take("replaced", occasion, isNow);
  if (replaced !== undefined) device.become({ serialNumber: replaced.serialNumber, isEmpty: true });
}
