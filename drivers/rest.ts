import { fetchIdentity, parseAddress, requireTrust } from "./connection.ts";
import type {
  DeviceConfig,
  DeviceDescription,
  DeviceStatus,
  Driver,
  DriverKind,
  DriverOptions,
  Known,
  Step,
  Transcript,
} from "./driver.ts";
import { DriverError } from "./errors.ts";
import type { Dialect } from "./mediant/dialects.ts";
import { dialectOf, mediant70, mediant72 } from "./mediant/dialects.ts";
import { limitsByModel } from "./mediant/limits.ts";
import type { MergedConfiguration } from "./mediant/merge.ts";
import { Disagreement, mergeConfiguration } from "./mediant/merge.ts";
import { parseIni } from "./mediant/parse-ini.ts";
import { render } from "./mediant/render.ts";
import { mediantTables } from "./mediant/tables.ts";
import { multipartFile } from "./multipart.ts";
import type { Asked } from "./rest-answer.ts";
import { defaultRefusedLine, jsonOf, requireOk, requireTaken } from "./rest-answer.ts";
import { parseStatus } from "./rest-status.ts";
import type { Request, Transport } from "./rest-transport.ts";
import { openTransport } from "./rest-transport.ts";
import { openSecrets } from "./secrets.ts";

/** Reads that are begun in one `read()` before a disagreement of the two texts, or a lack of blocks, is reported. */
const maxReads = 3;

/** Carries Mediant configuration text over the device's REST API, 7.2 and 7.4 (device REST guide). */
export const rest: DriverKind = {
  open: openRest,
  identify: async (address, connectMs) => {
    const target = parseAddress(address, address);
    if (!target.secure) throw new DriverError("unsupported", `${address}: plain HTTP shows no certificate to enrol`);
    return fetchIdentity(target, connectMs);
  },
};

function openRest(options: DriverOptions): Driver {
  const { device, deadlines } = options;
  const target = parseAddress(device, options.address);
  if (target.secure === (options.trust.kind === "plaintext"))
    throw new DriverError("unsupported", `${device}: plain HTTP needs an http:// address and the trust "plaintext"`);
  requireTrust(device, options.trust);
  const { add: addSecret, strike } = openSecrets();
  const credentials = Buffer.from(`${options.user}:${options.password}`, "utf8").toString("base64");
  addSecret(options.password);
  addSecret(credentials);
  const asked: Asked = { device, user: options.user, strike };
  const refusedLine = options.refusedLine ?? defaultRefusedLine;
  const transport: Transport = openTransport({
    target,
    trust: options.trust,
    connectMs: deadlines.connectMs,
    authorization: `Basic ${credentials}`,
    strike,
  });

  let lastStatus: DeviceStatus | undefined;
  /** What the last complete read showed of what can be written; `undefined` after a change of firmware. */
  let shape: (Pick<MergedConfiguration, "oldShape"> & { columns: DeviceConfig["columns"] }) | undefined;
  /** The blocks that this device was proved not to print. */
  let neverPrinted: readonly string[] = [];
  /** The INI text of the last complete read, until something is written. */
  let lastIni: string | undefined;

  function get(what: string, path: string): Request {
    return { what, method: "GET", path, body: undefined, deadlineMs: deadlines.requestMs };
  }

  async function status(signal: AbortSignal): Promise<DeviceStatus> {
    const request = get("reading status", "status");
    const answer = await transport.request(request, signal);
    requireOk(answer, request, asked);
    const now = parseStatus(jsonOf(answer, request, asked));
    if (now.firmware !== lastStatus?.firmware) {
      shape = undefined;
      neverPrinted = [];
    }
    lastStatus = now;
    return now;
  }

  function firmware(): Known<string> {
    return lastStatus?.firmware ?? "unknown";
  }

  /** A device that has this API but hides its version is at least a 7.2. */
  function knownDialect(): Dialect | undefined {
    return firmware() === "unknown" ? mediant72 : dialectOf(firmware());
  }

  function dialect(): Dialect {
    if (lastStatus === undefined)
      throw new DriverError("unsupported", `${device}: its firmware is not known yet; ask for its status first`);
    const found = knownDialect();
    if (found === undefined)
      throw new DriverError(
        "unsupported",
        `${device}: the tables of firmware ${firmware()} are not known; it can be read but not provisioned`,
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
      capabilities: { saveNeeded: lastStatus?.saveNeeded !== "unknown", partialScripts: true },
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
      ? undefined
      : `firmware ${firmware()} can be read but not provisioned: ${reason}; update the firmware`;
  }

  function lines(steps: readonly Step[], shown: "mask" | "show"): readonly string[] {
    const { tables, limits, readOnly } = describe();
    if (readOnly !== undefined && steps.length > 0) throw new DriverError("unsupported", `${device}: ${readOnly}`);
    const columns = shape?.columns ?? dialect().common;
    try {
      const script = render(steps, { tables, limits, columns, firmware: firmware() }, shown);
      return shown === "mask" ? script.map(strike) : script;
    } catch (error) {
      throw named(error);
    }
  }

  async function text(request: Request, signal: AbortSignal): Promise<string> {
    const answer = await transport.request(request, signal);
    requireOk(answer, request, asked);
    if (!answer.lengthKnown)
      throw new DriverError("protocol", `${device}: ${request.what}: the answer announced no length, it may be cut`);
    return answer.text;
  }

  async function readTexts(signal: AbortSignal): Promise<readonly [string, string]> {
    return both(
      (linked) => text(get("reading the running configuration", "files/cliScript"), linked),
      (linked) => text(get("reading the INI file", "files/ini"), linked),
      signal,
    );
  }

  async function read(signal: AbortSignal): Promise<DeviceConfig> {
    /** Of the read before this one, where that lacked blocks. */
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
      const { config, lacking, oldShape } = merged;
      const unproved = lacking.filter((root) => !neverPrinted.includes(root));
      if (unproved.length > 0 && config.fingerprint !== shorter) {
        // What a device never prints looks like what was cut off, but a cut hardly comes twice at one place.
        shorter = config.fingerprint;
        if (reads < maxReads) continue;
        throw new DriverError(
          "protocol",
          `${device}: the running configuration is not complete: it lacks "configure ${unproved.join('", "configure ')}", and reads differ`,
        );
      }
      neverPrinted = lacking;
      shape = { columns: config.columns, oldShape };
      lastIni = ini;
      return config;
    }
  }

  /** Pure parts know no device: their errors get its name here. */
  function named(error: unknown): unknown {
    if (!(error instanceof DriverError)) return error;
    return new DriverError(error.code, `${device}: ${error.message}`, { cause: error });
  }

  async function apply(steps: readonly Step[], signal: AbortSignal): Promise<Transcript> {
    rememberSecrets(steps);
    const script = lines(steps, "show");
    const printed = lines(steps, "mask");
    if (script.length === 0) return { lines: printed, output: "" };
    lastIni = undefined;
    const upload = multipartFile("cli.txt", `${script.join("\r\n")}\r\n`);
    const request: Request = {
      what: `applying ${steps.length} steps`,
      method: "PUT",
      path: "files/cliScript/incremental",
      body: { contentType: upload.contentType, bytes: upload.body },
      deadlineMs: deadlines.writeMs,
    };
    const answer = await transport.request(request, signal);
    return { lines: printed, output: requireTaken(answer, request, asked, refusedLine) };
  }

  function rememberSecrets(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === "delete") continue;
      const values = step.kind === "create" ? step.fields : step.set;
      for (const field of mediantTables.get(step.table)?.fields ?? [])
        if (field.secret === true) addSecret(values[field.name] ?? "");
    }
  }

  async function save(signal: AbortSignal): Promise<void> {
    const request: Request = {
      what: "saving the configuration",
      method: "POST",
      path: "actions/saveConfiguration",
      // The device wants Content-Length: 0.
      body: { contentType: undefined, bytes: Buffer.alloc(0) },
      deadlineMs: deadlines.saveMs,
    };
    requireOk(await transport.request(request, signal), request, asked);
  }

  async function backup(signal: AbortSignal): Promise<string> {
    if (lastIni !== undefined) return lastIni;
    const ini = await text(get("reading the INI file", "files/ini"), signal);
    try {
      parseIni(ini, new Map());
    } catch (error) {
      throw named(error);
    }
    return ini;
  }

  return {
    status,
    describe,
    read,
    render: (steps) => lines(steps, "mask"),
    apply,
    save,
    backup,
    warm: () => transport.warm(),
    close: async () => transport.close(),
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

/** Two answers at once. When one fails, the other is given up and the first failure is thrown. */
async function both(
  one: (signal: AbortSignal) => Promise<string>,
  other: (signal: AbortSignal) => Promise<string>,
  signal: AbortSignal,
): Promise<readonly [string, string]> {
  const linked = new AbortController();
  const onAbort = () => linked.abort();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  let first: { error: unknown } | undefined;
  const guarded = async (ask: (signal: AbortSignal) => Promise<string>) => {
    try {
      return await ask(linked.signal);
    } catch (error) {
      first ??= { error };
      linked.abort();
      return "";
    }
  };
  const texts = await Promise.all([guarded(one), guarded(other)]);
  signal.removeEventListener("abort", onAbort);
  if (first !== undefined) throw first.error;
  return texts;
}
