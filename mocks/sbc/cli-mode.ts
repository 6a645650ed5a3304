import type { Group } from "./cli-groups.ts";
import type { CliLogin } from "./cli-login.ts";
import type { Device } from "./device.ts";
import type { Root } from "./print-running-config.ts";
import type { OpenRow } from "./row-mode.ts";

/** One level of a session, the top being the lowest. */
export type Frame =
  | { readonly kind: "top" }
  | { readonly kind: "root"; readonly root: Root }
  | { readonly kind: "row"; readonly open: OpenRow }
  | { readonly kind: "group"; readonly group: Group };

/** Text between the parentheses of the prompt; undefined at the top. */
export function modeOf(frame: Frame): string | undefined {
  switch (frame.kind) {
    case "top":
      return undefined;
    case "root":
      return `config-${frame.root}`;
    case "row":
      return frame.open.label;
    case "group":
      return frame.group.label;
  }
}

/** `<name>[(<mode>)][*]# ` or, in Basic mode, `> `. */
export function promptOf(device: Device, frame: Frame, login: CliLogin | undefined): string {
  const name = modeOf(frame);
  const mode = name === undefined ? "" : `(${name})`;
  const { star } = device.settings.shell;
  const isStarred = star === "unsaved" ? device.saveNeeded : star === "reset-needed" && device.resetNeeded;
  return `${device.identity.name}${mode}${isStarred ? "*" : ""}${login?.level === "basic" ? ">" : "#"} `;
}
