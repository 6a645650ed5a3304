import type { DeviceConfig, DeviceStatus, Driver, Fields, Place, Row, Step } from "../../drivers/driver.ts";
import { mediantTables } from "../../drivers/index.ts";
import { DriverError } from "../../drivers/errors.ts";
import { configOf, description, isSecret, samePlace, withDefaults } from "./device-fixture.ts";

/** What a device does with one script instead of taking it. */
export type Fault =
  /** Executes the first lines, then the answer does not arrive. */
  | { kind: "lost"; afterLines: number }
  /** Refuses one line that it would take at another time. */
  | { kind: "refused"; atLine: number }
  /** Turns it away before it reads a line. */
  | { kind: "busy" }
  /** Says that it took it, and does nothing. */
  | { kind: "ignored" };

/** What a device does, and keeps doing. */
export interface Behaviour {
  /** Lines it refuses, for example those of a realm that is out of order. */
  refuses: (line: string) => boolean;
  onRefusal: "stop" | "go on" | "reject all";
  /** Faults of the next scripts, in their order; `undefined` for a script that goes well. */
  faults: (Fault | undefined)[];
  /** Reads after a script that still show what was before it. */
  lag: number;
  normalise: (field: string, value: string) => string;
  status: Partial<DeviceStatus>;
}

export interface FakeDevice {
  driver: Driver;
  behaviour: Behaviour;
  /** What a read shows now. */
  config(): DeviceConfig;
  /** What it would start from after a loss of power. */
  startup(): DeviceConfig;
  /** What stands in a secret field. */
  secret(place: Place, field: string): string | undefined;
  /** Scripts that arrived. */
  scripts: Step[][];
  reads(): number;
  saves(): number;
  backups(): number;
  /** Somebody else at work. */
  edit(change: (rows: readonly Row[]) => readonly Row[]): void;
}

interface Line {
  step: Step;
  text: string;
  field?: [name: string, value: string];
}

const place = ({ table, index, parent }: Place): Place => ({
  table,
  index,
  ...(parent === undefined ? {} : { parent }),
});

/** The lines of a script as a device works through them: open the row, its fields, activate. */
export function linesOf(steps: readonly Step[]): Line[] {
  return steps.flatMap((step): Line[] => {
    const at = `${step.table} ${step.parent === undefined ? "" : `${step.parent}/`}${step.index}`;
    if (step.kind === "delete") return [{ step, text: `no ${at}` }];
    const values = step.kind === "create" ? step.fields : step.set;
    const ordered = (mediantTables.get(step.table)?.fields ?? []).flatMap((f): [string, string][] => {
      const value = values[f.name];
      return value === undefined ? [] : [[f.name, value]];
    });
    return [
      { step, text: at },
      ...ordered.map(([name, value]): Line => ({ step, text: `${at} ${name} "${value}"`, field: [name, value] })),
      { step, text: `${at} activate` },
    ];
  });
}

/** A Mediant that is not there, at the level of rows and lines; it refuses what a device must refuse. */
export function fakeDevice(initial: readonly Row[], given: Partial<Behaviour> = {}): FakeDevice {
  const behaviour: Behaviour = {
    refuses: () => false,
    onRefusal: "stop",
    faults: [],
    lag: 0,
    normalise: (_, value) => value,
    status: {},
    ...given,
  };
  let rows: readonly Row[] = initial;
  let startup = rows;
  let stale: { rows: readonly Row[]; reads: number } = { rows, reads: 0 };
  let saveNeeded = false;
  const count = { reads: 0, saves: 0, backups: 0 };
  const scripts: Step[][] = [];

  const show = (from: readonly Row[]): DeviceConfig =>
    configOf(
      from.map((r) => ({
        ...r,
        fields: withDefaults(
          r.table,
          Object.fromEntries(Object.entries(r.fields).filter(([f]) => !isSecret(r.table, f))),
        ),
      })),
    );

  function lacksReference(line: Line): boolean {
    const grammar = mediantTables.get(line.step.table)?.fields.find((f) => f.name === line.field?.[0])?.grammar;
    const value = line.field?.[1] ?? "";
    if (grammar?.kind !== "reference" || value === "") return false;
    const key = mediantTables.get(grammar.table)?.key[0] ?? "";
    return !rows.some((r) => r.table === grammar.table && r.fields[key]?.toLowerCase() === value.toLowerCase());
  }

  /** Whether the device takes the line, and what it does then. */
  function execute(line: Line): boolean {
    const { step, field } = line;
    const at = rows.find((r) => samePlace(r, step));
    if (behaviour.refuses(line.text) || lacksReference(line)) return false;
    if (step.kind === "delete") {
      const child = (r: Row): boolean => r.parent === step.index && mediantTables.get(r.table)?.parent === step.table;
      rows = rows.filter((r) => !samePlace(r, step) && !child(r));
      return at !== undefined;
    }
    const opened = line.text.split(" ").length === 2;
    if (at === undefined) {
      if (!opened) return false;
      if (step.parent !== undefined && !rows.some((r) => r.table === "proxy-set" && r.index === step.parent))
        return false;
      rows = [...rows, { ...place(step), fields: {}, active: false }];
      return true;
    }
    if (opened) return true;
    const keys = mediantTables.get(step.table)?.key ?? [];
    if (field === undefined && keys.some((key) => (at.fields[key] ?? "") === "")) return false;
    const fields: Fields =
      field === undefined ? at.fields : { ...at.fields, [field[0]]: behaviour.normalise(field[0], field[1]) };
    const name = (r: Pick<Row, "fields">): string =>
      keys
        .map((key) => r.fields[key] ?? "")
        .join("/")
        .toLowerCase();
    const twin = (r: Row): boolean => r.table === step.table && !samePlace(r, step) && name(r) === name({ fields });
    if (step.table !== "account" && keys.length > 0 && name({ fields }) !== "" && rows.some(twin)) return false;
    rows = rows.map((r) => (samePlace(r, step) ? { ...r, fields, active: r.active || field === undefined } : r));
    return true;
  }

  function run(steps: readonly Step[], fault: Fault | undefined): void {
    const before = rows;
    if (fault?.kind === "busy") throw new DriverError("busy", "HA synchronisation", { mayHaveActed: false });
    if (fault?.kind === "ignored") return;
    const lines = linesOf(steps);
    saveNeeded = true;
    stale = { rows: before, reads: behaviour.lag };
    let refused: string | undefined;
    for (const [i, line] of (fault?.kind === "lost" ? lines.slice(0, fault.afterLines) : lines).entries()) {
      if (!(fault?.kind === "refused" && fault.atLine === i) && execute(line)) continue;
      refused ??= line.text;
      if (behaviour.onRefusal !== "go on") break;
    }
    if (fault?.kind === "lost") throw new DriverError("timeout", "no answer to the script", { mayHaveActed: true });
    if (refused === undefined) return;
    if (behaviour.onRefusal === "reject all") rows = before;
    throw new DriverError("rejected", "a line was refused", { mayHaveActed: true, deviceText: `Invalid: ${refused}` });
  }

  const driver: Driver = {
    warm: () => undefined,
    status: async () => ({
      firmware: "7.40A.250.440",
      product: "Mediant VE SBC",
      serialNumber: "1234",
      saveNeeded,
      resetNeeded: false,
      locked: false,
      highAvailability: false,
      upgrading: false,
      upTime: 1,
      ...behaviour.status,
    }),
    describe: () => description,
    async read() {
      count.reads += 1;
      if (stale.reads === 0) return show(rows);
      stale.reads -= 1;
      return show(stale.rows);
    },
    render: (steps) =>
      linesOf(steps).map(({ step, text, field }) =>
        field !== undefined && isSecret(step.table, field[0]) ? text.replace(`"${field[1]}"`, "********") : text,
      ),
    async apply(steps) {
      scripts.push([...steps]);
      run(steps, behaviour.faults.shift());
      return { lines: [], output: "" };
    },
    async save() {
      count.saves += 1;
      saveNeeded = false;
      startup = rows;
    },
    async backup() {
      count.backups += 1;
      return "; a restorable configuration";
    },
    close: async () => undefined,
  };

  return {
    driver,
    behaviour,
    config: () => show(rows),
    startup: () => show(startup),
    secret: (at, field) => rows.find((r) => samePlace(r, at))?.fields[field],
    scripts,
    reads: () => count.reads,
    saves: () => count.saves,
    backups: () => count.backups,
    edit(change) {
      rows = change(rows);
    },
  };
}
