import type { DriverKind } from "./driver.ts";
import { limitsByModel } from "./mediant/limits.ts";
import { rest } from "./rest.ts";
import { ssh } from "./ssh.ts";

export { openAuto } from "./auto.ts";
export { refusal } from "./mediant/grammar.ts";
export { mediantTables } from "./mediant/tables.ts";
export { shellDialectNames as dialects } from "./shell-dialects.ts";

/** The drivers that ship with the agent, by the name they have in the inventory. */
export const drivers: Readonly<Record<"rest" | "ssh", DriverKind>> = { rest, ssh };

/** The model tiers whose table limits are known: what `DriverOptions.model` takes. */
export const models: readonly string[] = [...limitsByModel.keys()];
