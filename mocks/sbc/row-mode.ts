import type { Token } from "./cli-line.ts";
import { readValue } from "./cli-values.ts";
import type { Column, Table } from "./columns.ts";
import { cellOf, childrenOf, findRow, indexInParent, lowestFreeIndex, shapeOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import { limitOf } from "./limits.ts";
import {
  completeRow,
  deleteRow,
  followReference,
  isNameTaken,
  refreshDependents,
  refuseRow,
  refuseValue,
  storeRow,
} from "./row-rules.ts";
import type { TextName } from "./settings.ts";
import type { Row } from "./table-rows.ts";
import { findTable } from "./tables.ts";

/** A row that somebody has open in the CLI. Parameters are staged until `activate` or `exit`. */
export interface OpenRow {
  readonly table: Table;
  /** Text between the parentheses of the prompt. */
  readonly label: string;
  /** With what is staged; `staged` holds its cells while they still may change. */
  row: Row;
  staged?: Record<string, string> | undefined;
  /** Not in the table yet. */
  isNew: boolean;
  /** Staged parameters wait. */
  isDirty: boolean;
  /** `no activate` was said: `exit` does not activate. */
  isHeld: boolean;
}

/** Opens the row of that index, or a new one; inside `parent` for tables that live in others. */
export function openRow(device: Device, table: Table, index: number, parent?: OpenRow): OpenRow | TextName {
  if (index >= limitOf(table, device.identity.model, device.settings)) return "tableFull";
  const found = lookUp(device, table, index, parent);
  const label = `${table.cli.at(-1) ?? ""}-${parent === undefined ? "" : `${parent.row.index}/`}${index}`;
  const isNew = found === undefined;
  if (isNew && parent !== undefined && findRow(device.running, parent.table, parent.row.index) === undefined) {
    return "rowMissing";
  }
  const row = found ?? newRow(device, table, index, parent);
  return { table, label, row, isNew, isDirty: false, isHeld: false };
}

function lookUp(device: Device, table: Table, index: number, parent: OpenRow | undefined): Row | undefined {
  if (parent === undefined || table.parent === undefined) return findRow(device.running, table, index);
  return childrenOf(device.running, table, parent.row.index).find((row) => indexInParent(table, row) === index);
}

function newRow(device: Device, table: Table, index: number, parent: OpenRow | undefined): Row {
  if (parent === undefined || table.parent === undefined) return { index, active: false, cells: {} };
  const cells = { [table.parent.column]: String(parent.row.index), [table.parent.indexColumn]: String(index) };
  return { index: lowestFreeIndex(device.running, table), active: false, cells };
}

/** Stages one parameter. */
export function setParameter(
  device: Device,
  open: OpenRow,
  column: Column,
  values: readonly Token[],
): TextName | undefined {
  if (values.length === 0) return "incompleteCommand";
  const value = readValue(column, values, device.running.generation.oldCli);
  if (value === undefined) return "badValue";
  return stage(device, open, column, value);
}

/** Stages the default of one parameter (`no <parameter>`). */
export function resetParameter(device: Device, open: OpenRow, column: Column): TextName | undefined {
  return stage(device, open, column, column.default);
}

function stage(device: Device, open: OpenRow, column: Column, value: string): TextName | undefined {
  const { running, settings } = device;
  const refusal = column.kind === "secret" ? undefined : refuseValue(column, value);
  if (refusal !== undefined) return refusal;
  let cell = value;
  if (column.kind === "reference") {
    const referred = followReference(running, column, value);
    if (referred === undefined && settings.references === "refuse") return "unknownReference";
    if (referred !== undefined && referred !== "none") cell = nameOf(column, referred, value);
  }
  const isName = column.name === open.table.nameColumn;
  if (isName && settings.duplicateName === "refuse" && isNameTaken(running, open.table, open.row, value)) {
    return "duplicateName";
  }
  if (open.staged === undefined) {
    open.staged = { ...open.row.cells };
    open.row = { ...open.row, cells: open.staged };
  }
  open.staged[column.name] = cell;
  open.isDirty = true;
  return undefined;
}

/** A reference is kept by row and shown in the row's own spelling. */
function nameOf(column: Column, referred: Row, value: string): string {
  const nameColumn = column.refers === undefined ? undefined : findTable(column.refers)?.nameColumn;
  return (nameColumn === undefined ? undefined : referred.cells[nameColumn]) ?? value;
}

/** Applies what is staged. A row that cannot be active is stored all the same, inactive, and the reason returned. */
export function activateRow(device: Device, open: OpenRow): TextName | undefined {
  const { running, settings } = device;
  const row = device.normalise(open.table, completeRow(running, open.table, open.row, settings));
  const refusal = refuseRow(running, open.table, row, settings);
  keep(device, open, { ...row, active: refusal === undefined, held: false });
  return refusal;
}

/** Stores what is staged without activating it (`no activate`). */
export function holdRow(device: Device, open: OpenRow): void {
  const row = completeRow(device.running, open.table, open.row, device.settings);
  keep(device, open, { ...row, active: false, held: true });
  open.isHeld = true;
}

function keep(device: Device, open: OpenRow, row: Row): void {
  const before = findRow(device.running, open.table, row.index);
  const isSame =
    before?.active === row.active &&
    shapeOf(device.running, open.table).columns.every((column) => cellOf(before, column) === cellOf(row, column));
  if (!isSame) {
    storeRow(device.running, open.table, row, device.settings);
    if (before?.active !== row.active) refreshDependents(device.running, open.table, row, device.settings);
    device.changed();
  }
  open.row = findRow(device.running, open.table, row.index) ?? row;
  open.staged = undefined;
  open.isNew = false;
  open.isDirty = false;
  open.isHeld = false;
}

/** Leaves a row with `exit`, which activates what waits. */
export function leaveRow(device: Device, open: OpenRow): TextName | undefined {
  if (open.isHeld || !(open.isNew || open.isDirty)) return undefined;
  return activateRow(device, open);
}

/** What becomes of a row that is open when its script or session ends. */
export function abandonRow(device: Device, open: OpenRow): void {
  if (!(open.isNew || open.isDirty)) return;
  const { unfinishedRow } = device.settings;
  if (unfinishedRow === "activate") activateRow(device, open);
  else if (unfinishedRow === "inactive" && open.isNew) holdRow(device, open);
}

/** Deletes a row by its index, inside `parent` for tables that live in others. */
export function dropRow(device: Device, table: Table, index: number, parent?: OpenRow): TextName | undefined {
  const row = lookUp(device, table, index, parent);
  if (row === undefined) return "rowMissing";
  const refusal = deleteRow(device.running, table, row, device.settings);
  if (refusal === undefined) device.changed();
  return refusal;
}
