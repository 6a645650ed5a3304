import type { Column, Table } from "./columns.ts";
import type { Configuration } from "./configuration.ts";
import {
  cellOf,
  childrenOf,
  findNamed,
  findRow,
  isHeldElsewhere,
  onlySrd,
  putCell,
  putRow,
  referencesTo,
  removeRow,
  rowsHolding,
  shapeOf,
} from "./configuration.ts";
import type { Settings, TextName } from "./settings.ts";
import type { Row } from "./table-rows.ts";
import { childTables, findTable, tableNamed } from "./tables.ts";

const accountsPerServedGroup = 10;
const sipInterfaceColumns = [
  "GWIPv4SIPInterfaceName",
  "SBCIPv4SIPInterfaceName",
  "GWIPv6SIPInterfaceName",
  "SBCIPv6SIPInterfaceName",
];

/** Why a value cannot stand in a column, apart from what other rows hold; undefined when it can. */
export function refuseValue(column: Column, value: string): TextName | undefined {
  if (/["\u0000-\u001f\u007f]/.test(value)) return "badValue";
  if (column.kind === "enum") return column.words?.[value] === undefined ? "badValue" : undefined;
  if (column.kind === "integer") {
    if (!/^-?\d{1,10}$/.test(value)) return "badValue";
    const number = Number(value);
    return number < (column.min ?? number) || number > (column.max ?? number) ? "outOfRange" : undefined;
  }
  if (column.maxLength !== undefined && value.length > column.maxLength) return "tooLong";
  if (column.forbidden !== undefined && value.includes(column.forbidden)) return "badValue";
  return column.accepts?.(value) === false ? "badValue" : undefined;
}

/** The row that a reference names; "none" for values that name nothing, undefined when the row does not exist. */
export function followReference(configuration: Configuration, column: Column, value: string): Row | "none" | undefined {
  const table = column.refers === undefined ? undefined : findTable(column.refers);
  if (table === undefined || value === "") return "none";
  if (column.special?.some((special) => special.toLowerCase() === value.toLowerCase()) === true) return "none";
  return findNamed(configuration, table, value);
}

/** Whether another row of the table has this name. */
export function isNameTaken(configuration: Configuration, table: Table, row: Row, name: string): boolean {
  const { nameColumn } = table;
  if (nameColumn === undefined || name === "") return false;
  return isHeldElsewhere(configuration, table, nameColumn, name, row.index);
}

/**
 * The row with what the device fills in: the only SRD, and the end of a port range. An end that stands is kept as long
 * as the range does: files of devices with another port spacing show other ends. Returns the row itself when complete.
 */
export function completeRow(configuration: Configuration, table: Table, row: Row, settings: Settings): Row {
  if (table.name === "CpMediaRealm") return completeRealm(configuration, table, row, settings);
  if ((row.cells["SRDName"] ?? "") !== "" || !shapeOf(configuration, table).hasSrd) return row;
  const srd = onlySrd(configuration);
  return srd === undefined ? row : { ...row, cells: { ...row.cells, SRDName: srd } };
}

function completeRealm(configuration: Configuration, table: Table, row: Row, settings: Settings): Row {
  const rangeOf = ({ cells }: Row) => ({
    start: cells["PortRangeStart"] ?? "0",
    legs: cells["MediaSessionLeg"] ?? "0",
    end: cells["PortRangeEnd"] ?? "0",
  });
  if (shapeOf(configuration, table).find("PortRangeEnd") === undefined) return row;
  const stored = findRow(configuration, table, row.index);
  const before = stored === undefined ? undefined : rangeOf(stored);
  const { start, legs, end } = rangeOf(row);
  const isStanding = before?.start === start && before.legs === legs && (Number(legs) <= 0 || Number(before.end) > 0);
  const computed = Number(legs) > 0 ? Number(start) + Number(legs) * settings.udpPortSpacing - 1 : 0;
  const wanted = isStanding ? before.end : String(computed);
  return end === wanted ? row : { ...row, cells: { ...row.cells, PortRangeEnd: wanted } };
}

/** Why a row cannot be active; undefined when it can. */
export function refuseRow(
  configuration: Configuration,
  table: Table,
  row: Row,
  settings: Settings,
): TextName | undefined {
  const shape = shapeOf(configuration, table);
  if (shape.mandatory.some((column) => cellOf(row, column) === "")) return "invalidLine";
  for (const column of shape.references) {
    const referred = followReference(configuration, column, cellOf(row, column));
    if (referred === undefined || (referred !== "none" && !referred.active)) return "invalidReferenceLine";
  }
  const name = table.nameColumn === undefined ? "" : (row.cells[table.nameColumn] ?? "");
  if (name !== "" && isNameTaken(configuration, table, row, name)) return "duplicateName";
  return refuseBySubject(configuration, table, row, settings);
}

function refuseBySubject(
  configuration: Configuration,
  table: Table,
  row: Row,
  settings: Settings,
): TextName | undefined {
  switch (table.name) {
    case "ProxySet": {
      const named = sipInterfaceColumns.filter((column) => (row.cells[column] ?? "") !== "");
      if (named.length === 0) return "invalidLine";
      const srdOfInterfaces = named.map((column) => srdOf(configuration, "SIPInterface", row.cells[column] ?? ""));
      return srdOfInterfaces.every((srd) => isSame(srd, row.cells["SRDName"])) ? undefined : "invalidReferenceLine";
    }
    case "ProxyIp": {
      // Priority and Weight go together: both or neither.
      const isPrioritySet = (row.cells["Priority"] ?? "0") !== "0";
      const isWeightSet = (row.cells["Weight"] ?? "0") !== "0";
      return isPrioritySet === isWeightSet ? undefined : "invalidLine";
    }
    case "IPGroup": {
      const proxySet = row.cells["ProxySetName"] ?? "";
      if (proxySet === "") return undefined;
      if (!isSame(srdOf(configuration, "ProxySet", proxySet), row.cells["SRDName"])) return "invalidReferenceLine";
      const isSecondUser =
        row.cells["ProxyKeepAliveUsingIPG"] === "1" &&
        rowsHolding(configuration, table, "ProxySetName", proxySet).some(
          (other) => other.index !== row.index && other.cells["ProxyKeepAliveUsingIPG"] === "1",
        );
      return isSecondUser && settings.keepAliveUseIpg === "refuse" ? "invalidLine" : undefined;
    }
    case "Account": {
      const served = row.cells["ServedIPGroupName"] ?? "";
      if (served === "") return undefined;
      const others = rowsHolding(configuration, table, "ServedIPGroupName", served).filter(
        (other) => other.index !== row.index,
      );
      return others.length >= accountsPerServedGroup ? "invalidLine" : undefined;
    }
    default:
      return undefined;
  }
}

function srdOf(configuration: Configuration, table: string, name: string): string | undefined {
  return findNamed(configuration, tableNamed(table), name)?.cells["SRDName"];
}

function isSame(one: string | undefined, two: string | undefined): boolean {
  return (one ?? "").toLowerCase() === (two ?? "").toLowerCase();
}

/** Stores a row; rows that name it follow a new name, by setting. */
export function storeRow(configuration: Configuration, table: Table, row: Row, settings: Settings): void {
  const { nameColumn } = table;
  const before = findRow(configuration, table, row.index);
  if (nameColumn !== undefined && before !== undefined && settings.renameFollows) {
    const newName = row.cells[nameColumn] ?? "";
    const oldName = before.cells[nameColumn] ?? "";
    if (newName !== oldName) {
      for (const { table: other, row: referring, column } of referencesTo(configuration, table, oldName)) {
        putCell(
          configuration,
          other,
          findRow(configuration, other, referring.index) ?? referring,
          column.name,
          newName,
        );
      }
    }
  }
  putRow(configuration, table, row);
}

/** Activates or deactivates the rows that name this one, as their references have become good or bad. */
export function refreshDependents(configuration: Configuration, table: Table, row: Row, settings: Settings): void {
  const name = table.nameColumn === undefined ? "" : (row.cells[table.nameColumn] ?? "");
  for (const { table: other, row: referring } of referencesTo(configuration, table, name)) {
    const current = findRow(configuration, other, referring.index) ?? referring;
    const active = refuseRow(configuration, other, current, settings) === undefined;
    if (current.held === true || active === current.active) continue;
    putRow(configuration, other, { ...current, active });
    refreshDependents(configuration, other, current, settings);
  }
}

/**
 * Deletes a row and the rows inside it. Rows that name it either forbid that, or lose the name and with it, where it
 * was mandatory, their activity. A media realm is always let go.
 */
export function deleteRow(
  configuration: Configuration,
  table: Table,
  row: Row,
  settings: Settings,
): TextName | undefined {
  const name = table.nameColumn === undefined ? "" : (row.cells[table.nameColumn] ?? "");
  const isOnlyOfName = !isNameTaken(configuration, table, row, name);
  const referring = isOnlyOfName ? referencesTo(configuration, table, name) : [];
  const isLetGo = settings.deleteReferenced === "clear" || table.name === "CpMediaRealm";
  if (referring.length > 0 && !isLetGo) return "referenced";
  removeRow(configuration, table, row.index);
  for (const child of childTables(table)) {
    for (const inside of childrenOf(configuration, child, row.index)) removeRow(configuration, child, inside.index);
  }
  for (const { table: other, row: named, column } of referring) {
    const current = findRow(configuration, other, named.index) ?? named;
    const emptied = { ...current, cells: { ...current.cells, [column.name]: column.special?.[0] ?? "" } };
    const isActive = current.active && refuseRow(configuration, other, emptied, settings) === undefined;
    putRow(configuration, other, { ...emptied, active: isActive });
  }
  return undefined;
}
