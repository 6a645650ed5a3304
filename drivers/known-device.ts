import type { DeviceConfig, DeviceDescription, DriverOptions, Fields, Known, Place, Step } from "./driver.ts";
import { DriverError } from "./errors.ts";
import type { Dialect } from "./mediant/dialects.ts";
import { dialectOf, mediant70 } from "./mediant/dialects.ts";
import { limitsByModel } from "./mediant/limits.ts";
import type { MergedConfiguration } from "./mediant/merge.ts";
import { Disagreement, mergeConfiguration } from "./mediant/merge.ts";
import { parseIni } from "./mediant/parse-ini.ts";
import type { RenderedLine } from "./mediant/render.ts";
import { renderLines } from "./mediant/render.ts";
import { mediantTables } from "./mediant/tables.ts";
import type { Secrets } from "./secrets.ts";

/** What a driver has learnt of its device: the text side that is the same whatever carries the text. */
export interface KnownDevice {
  /** To be called with every status. Another firmware than before makes what was read count for nothing. */
  noteFirmware(firmware: Known<string>): void;
  /** To be called before anything is written. */
  noteWrite(): void;
  /** See `Driver.describe`. */
  describe(): DeviceDescription;
  /** See `Driver.render`. */
  render(steps: readonly Step[]): readonly string[];
  /** What `render` prints, line by line. Throws as it does. */
  lines(steps: readonly Step[], shown: "mask" | "show"): readonly RenderedLine[];
  /** Makes one read of running configuration and INI; `readTexts` fetches both, as often as it takes. */
  read(
    readTexts: (signal: AbortSignal) => Promise<readonly [running: string, ini: string]>,
    signal: AbortSignal,
  ): Promise<DeviceConfig>;
  /** The INI of the latest read where nothing was written since, else a new one. */
  backup(fetchIni: () => Promise<string>): Promise<string>;
  /** Effective values of a row in the latest read. */
  lastFields(place: Place): Fields | undefined;
  /** Strikes the secrets of these steps out of everything from now on. */
  rememberSecrets(steps: readonly Step[]): void;
  /** The same error with the device's name: pure parts know none. */
  named(error: unknown): unknown;
}

export interface Carrier {
  capabilities(): DeviceDescription["capabilities"];
  /** For devices that hide their version; `undefined` where nothing follows from being reached this way. */
  unknownFirmware: Dialect | undefined;
  /** Why this log-in cannot write, if it cannot. */
  readOnly?(): string | undefined;
}

/** Reads that are begun in one `read()` before a disagreement of the two texts, or a lack of blocks, is reported. */
const maxReads = 3;

/** Knows nothing until it is told. Throws DriverError `unsupported` for a model that is not known, when it is asked. */
export function knowDevice(options: DriverOptions, secrets: Secrets, carrier: Carrier): KnownDevice {
  const { device } = options;
  /** `undefined` before the first status. */
  let firmware: Known<string> | undefined;
  /** What the last complete read showed of what can be written; `undefined` after a change of firmware. */
  let shape: Pick<MergedConfiguration, "oldShape" | "config"> | undefined;
  /** The blocks and fields that this device was proved not to print. */
  let neverPrinted: readonly string[] = [];
  /** The INI text of the last complete read, until something is written. */
  let lastIni: string | undefined;

  function knownDialect(): Dialect | undefined {
    return firmware === undefined || firmware === "unknown" ? carrier.unknownFirmware : dialectOf(firmware);
  }

  function dialect(): Dialect {
    if (firmware === undefined)
      throw new DriverError("unsupported", `${device}: its firmware is not known yet; ask for its status first`);
    const found = knownDialect();
    if (found === undefined)
      throw new DriverError(
        "unsupported",
        `${device}: the tables of firmware ${firmware} are not known; it can be read but not provisioned`,
      );
    return found;
  }

  function describe(): DeviceDescription {
    const { name } = dialect();
    const readOnly = reasonNotToWrite();
    return {
      dialect: name,
      tables: mediantTables,
      limits: modelLimits(options),
      capabilities: carrier.capabilities(),
      ...(readOnly === undefined ? {} : { readOnly }),
    };
  }

  function reasonNotToWrite(): string | undefined {
    const reason =
      dialect().readOnly ??
      (shape?.oldShape === true
        ? "it prints Proxy Addresses in the shape of 7.0, which is read and never written"
        : undefined);
    return reason === undefined
      ? carrier.readOnly?.()
      : `firmware ${firmware ?? "unknown"} can be read but not provisioned: ${reason}; update the firmware`;
  }

  function lines(steps: readonly Step[], shown: "mask" | "show"): readonly RenderedLine[] {
    const { tables, limits, readOnly } = describe();
    if (readOnly !== undefined && steps.length > 0) throw new DriverError("unsupported", `${device}: ${readOnly}`);
    const columns = shape?.config.columns ?? dialect().common;
    try {
      return renderLines(steps, { tables, limits, columns, firmware: firmware ?? "unknown" }, shown);
    } catch (error) {
      throw named(error);
    }
  }

  async function read(
    readTexts: (signal: AbortSignal) => Promise<readonly [string, string]>,
    signal: AbortSignal,
  ): Promise<DeviceConfig> {
    /** Of the read before this one, where that lacked blocks or fields. */
    let shorter: string | undefined;
    for (let reads = 1; ; reads += 1) {
      const [running, ini] = await readTexts(signal);
      let merged: MergedConfiguration;
      try {
        merged = mergeConfiguration(running, ini, knownDialect() ?? mediant70);
      } catch (error) {
        // Another writer may have come between the two texts.
        if (error instanceof Disagreement && reads < maxReads) continue;
        throw named(error);
      }
      const { config, lacking, doubtful, oldShape } = merged;
      const missing = [...lacking.map((root) => `configure ${root}`), ...doubtful];
      const unproved = missing.filter((one) => !neverPrinted.includes(one));
      if (unproved.length > 0 && config.fingerprint !== shorter) {
        // What a device never prints looks like what was cut off, but a cut hardly comes twice at one place.
        shorter = config.fingerprint;
        if (reads < maxReads) continue;
        throw new DriverError(
          "protocol",
          `${device}: the running configuration is not complete: it lacks "${unproved.join('", "')}", and reads differ`,
        );
      }
      neverPrinted = missing;
      shape = { config, oldShape };
      lastIni = ini;
      return config;
    }
  }

  function named(error: unknown): unknown {
    if (!(error instanceof DriverError)) return error;
    const { code, mayHaveActed, deviceText } = error;
    return new DriverError(code, `${device}: ${error.message}`, {
      mayHaveActed,
      ...(deviceText === undefined ? {} : { deviceText }),
      cause: error,
    });
  }

  return {
    noteFirmware(now) {
      if (now !== firmware) {
        shape = undefined;
        neverPrinted = [];
      }
      firmware = now;
    },
    noteWrite() {
      lastIni = undefined;
    },
    describe,
    render: (steps) => lines(steps, "mask").map(({ text }) => secrets.strike(text)),
    lines,
    read,
    async backup(fetchIni) {
      if (lastIni !== undefined) return lastIni;
      const ini = await fetchIni();
      try {
        parseIni(ini, new Map());
      } catch (error) {
        throw named(error);
      }
      return ini;
    },
    lastFields: ({ table, index, parent }) =>
      shape?.config.rows.find((row) => row.table === table && row.index === index && row.parent === parent)?.fields,
    rememberSecrets(steps) {
      for (const step of steps) {
        if (step.kind === "delete") continue;
        const values = step.kind === "create" ? step.fields : step.set;
        for (const field of mediantTables.get(step.table)?.fields ?? [])
          if (field.secret === true) secrets.add(values[field.name] ?? "");
      }
    },
    named,
  };
}

function modelLimits(options: DriverOptions): DeviceDescription["limits"] {
  if (options.model === undefined) return {};
  const limits = limitsByModel.get(options.model);
  if (limits === undefined)
    throw new DriverError(
      "unsupported",
      `${options.device}: model ${JSON.stringify(options.model)} is not known; known are ${[...limitsByModel.keys()].join(", ")}`,
    );
  return limits;
}
