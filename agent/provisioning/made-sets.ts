import type { DeviceConfig } from "../../drivers/driver.ts";
import type { MadeProxySet } from "../store/amendment.ts";
import type { RecordedCreate } from "../store/model.ts";
import { indexRows, nameOf, sameName } from "./observed.ts";

export interface ProxySetChanges {
  made: readonly MadeProxySet[];
  gone: readonly MadeProxySet[];
}

/**
 * Of the Proxy Sets that records say were created on this unit, those that stand; of those that are known as made here,
 * those that do not. Index and name must match. `config` is a read made after the last write. Undefined for neither.
 */
export function standingSets(
  config: DeviceConfig,
  serialNumber: string,
  creates: readonly RecordedCreate[],
  known: readonly MadeProxySet[],
): ProxySetChanges | undefined {
  const observed = indexRows(config);
  const stands = ({ index, name }: Pick<MadeProxySet, "index" | "name">): boolean => {
    const row = observed.byPlace({ table: "proxy-set", index });
    return row !== undefined && sameName(nameOf(row), name);
  };
  const made = creates.flatMap((created) =>
    created.table === "proxy-set" && stands(created)
      ? [{ index: created.index, name: created.name, serialNumber }]
      : [],
  );
  const gone = known.filter((set) => set.serialNumber === serialNumber && !stands(set));
  return made.length + gone.length === 0 ? undefined : { made, gone };
}
