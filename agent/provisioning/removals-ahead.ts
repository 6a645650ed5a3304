import type { DeviceConfig } from "../../drivers/driver.ts";
import type { MadeProxySet } from "../store/amendment.ts";
import type { Claim } from "../store/portal-store.ts";
import type { Plan } from "./plan.ts";
import { planRemoval, rowsOf, type Leaver, type Removal } from "./removal.ts";
import type { Work } from "./work.ts";

export interface RemovalsAhead {
  work: Work;
  links: Claim["links"];
  made: readonly MadeProxySet[];
  /** Empty where the device does not tell. */
  serialNumber: string;
  withoutTags: boolean;
}

/** A plan with what a run would delete around it, for people: off-boardings first, and last what changes leave over. */
export function withRemovals(plan: Plan, config: DeviceConfig, ahead: RemovalsAhead): Plan {
  const { work, links, made, serialNumber, withoutTags } = ahead;
  const wanted = work.intents.map(({ intent }) => intent);
  const sets = made.filter((set) => set.serialNumber === serialNumber);
  const changing = [...work.changes.values()].filter(({ leftOver }) => !plan.conflicts.has(leftOver.customer));
  const changed = new Set(changing.map(({ leftOver }) => leftOver.customer));
  const planned = (leavers: readonly Leaver[], kept: Claim["links"]): Removal => {
    const others = rowsOf([...kept.map(({ intent }) => intent), ...wanted]);
    return planRemoval(config, leavers, { withoutTags, made: sets, others });
  };
  const first = planned(work.leavers, links);
  const leftOver = changing.map((change) => ({ ...change.leftOver, staying: change.planned.intent.rows }));
  const last = planned(
    leftOver,
    links.filter(({ customerGuid }) => !changed.has(customerGuid)),
  );
  return {
    steps: [...first.steps, ...plan.steps, ...last.steps],
    conflicts: new Map([...plan.conflicts, ...first.blocked, ...last.blocked]),
    warnings: new Map([...plan.warnings, ...first.notes, ...last.notes]),
  };
}
