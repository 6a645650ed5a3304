import { fetchIdentity, parseAddress, requireTrust } from "./connection.ts";
import { both } from "./both.ts";
import type { DeviceStatus, Driver, DriverKind, DriverOptions, Step, Transcript } from "./driver.ts";
import { DriverError } from "./errors.ts";
import { knowDevice } from "./known-device.ts";
import { mediant72 } from "./mediant/dialects.ts";
import { multipartFile } from "./multipart.ts";
import type { Asked } from "./rest-answer.ts";
import { defaultRefusedLine } from "./refused-line.ts";
import { jsonOf, requireOk, requireTaken } from "./rest-answer.ts";
import { parseStatus } from "./rest-status.ts";
import type { Request, Transport } from "./rest-transport.ts";
import { openTransport } from "./rest-transport.ts";
import { openSecrets, strikeStatus } from "./secrets.ts";

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
  const secrets = openSecrets();
  const { strike } = secrets;
  const credentials = Buffer.from(`${options.user}:${options.password}`, "utf8").toString("base64");
  secrets.add(options.password);
  secrets.add(credentials);
  const asked: Asked = { device, user: options.user, strike };
  const refusedLine = options.refusedLine ?? defaultRefusedLine;
  const transport: Transport = openTransport({
    target,
    trust: options.trust,
    connectMs: deadlines.connectMs,
    authorization: `Basic ${credentials}`,
    strike,
  });

  let tellsSaveNeeded = true;
  const known = knowDevice(options, secrets, {
    capabilities: () => ({ saveNeeded: tellsSaveNeeded, partialScripts: true, givesBack: false }),
    // A device that has this API but hides its version is at least a 7.2.
    unknownFirmware: mediant72,
  });

  function get(what: string, path: string): Request {
    return { what, method: "GET", path, body: undefined, deadlineMs: deadlines.requestMs };
  }

  async function status(signal: AbortSignal): Promise<DeviceStatus> {
    const request = get("reading status", "status");
    const answer = await transport.request(request, signal);
    requireOk(answer, request, asked);
    const now = parseStatus(jsonOf(answer, request, asked));
    tellsSaveNeeded = now.saveNeeded !== "unknown";
    known.noteFirmware(now.firmware);
    return strikeStatus(now, strike);
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

  async function apply(steps: readonly Step[], signal: AbortSignal): Promise<Transcript> {
    known.rememberSecrets(steps);
    const script = known.lines(steps, "show").map((line) => line.text);
    const printed = known.render(steps);
    if (script.length === 0) return { lines: printed, output: "" };
    known.noteWrite();
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

  return {
    status,
    describe: () => known.describe(),
    read: (signal) => known.read(readTexts, signal),
    render: (steps) => known.render(steps),
    apply,
    save,
    backup: (signal) => known.backup(() => text(get("reading the INI file", "files/ini"), signal)),
    warm: () => transport.warm(),
    close: async () => transport.close(),
  };
}
