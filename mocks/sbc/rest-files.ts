import type { Device } from "./device.ts";
import { copyConfiguration, emptyConfiguration } from "./configuration.ts";
import { IniError } from "./ini.ts";
import { loadIni, mergeIni } from "./load-ini.ts";
import type { LoadedIni } from "./load-ini.ts";
import { readFirstPart } from "./multipart.ts";
import { printIni } from "./print-ini.ts";
import { printRunningConfig } from "./print-running-config.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe } from "./rest-route.ts";
import { rehearseScript, runScript } from "./script.ts";
import type { ScriptResult } from "./script.ts";

const willReset = "Device will reset now to activate new configuration";

/** `/files/ini` and `/files/cliScript`, full and incremental. */
export function configurationRoutes(device: Device): Route[] {
  return [
    {
      path: "files/ini",
      methods: {
        GET: reading((request) => readText(device, request, printIni(device.look(request), device.identity))),
        PUT: writing((request) => putIni(device, request)),
      },
    },
    { path: "files/ini/incremental", methods: { PUT: writing((request) => putIncrementalIni(device, request)) } },
    {
      path: "files/cliScript",
      methods: {
        GET: reading((request) => readText(device, request, printConfiguration(device, request))),
        PUT: writing((request) => putScript(device, request)),
      },
    },
    {
      path: "files/cliScript/incremental",
      methods: { PUT: writing((request) => putIncrementalScript(device, request)) },
    },
  ];
}

const reading = (handle: Method["handle"]): Method => ({ level: "administrator", handle });
const writing = (handle: Method["handle"]): Method => ({ level: "administrator", writes: true, handle });

function printConfiguration(device: Device, request: RestRequest): string {
  return printRunningConfig(device.look(request), { name: device.identity.name });
}

function readText(device: Device, request: RestRequest, text: string): RestAnswer {
  const whole = Buffer.from(text, "utf8");
  const fault = device.faults.take("truncate-read", request);
  if (fault === undefined) return { status: 200, file: whole };
  const kept = whole.subarray(0, fault.bytes ?? Math.floor(whole.length / 2));
  return fault.cut
    ? { status: 200, file: kept, missingBytes: whole.length - kept.length }
    : { status: 200, file: kept };
}

function uploadedText(device: Device, request: RestRequest): string | undefined {
  const contentType = request.headers["content-type"];
  const part = readFirstPart(typeof contentType === "string" ? contentType : undefined, request.body);
  device.recorder.stats.uploads += 1;
  return part?.content.toString("utf8");
}

function putIni(device: Device, request: RestRequest): RestAnswer {
  const text = uploadedText(device, request);
  const rules = { settings: device.settings, model: device.identity.model };
  const loaded = tryIni(text, (ini) => loadIni(ini, rules, device.running));
  if (typeof loaded === "string") return describe(400, loaded);
  recordIgnored(device, loaded.ignored);
  const { tls } = device.running;
  device.replace({ ...loaded.configuration, tls });
  return describe(200, willReset, { afterwards: () => device.reboot(false) });
}

/** The answer of the real device is not known; this one is made after that of the CLI script. */
function putIncrementalIni(device: Device, request: RestRequest): RestAnswer {
  const text = uploadedText(device, request);
  const rules = { settings: device.settings, model: device.identity.model };
  const loaded = tryIni(text, (ini) => mergeIni(device.running, ini, rules));
  if (typeof loaded === "string") return describe(400, loaded);
  recordIgnored(device, loaded.ignored);
  device.beginWrite();
  Object.assign(device.running, loaded.configuration);
  device.changed();
  return describe(200, "Incremental INI file was loaded.");
}

function tryIni(text: string | undefined, load: (text: string) => LoadedIni): LoadedIni | string {
  if (text === undefined || text.trim() === "") return "The ini file is incorrect";
  try {
    return load(text);
  } catch (error) {
    if (error instanceof IniError) return `The ini file is incorrect: ${error.message}`;
    throw error;
  }
}

function recordIgnored(device: Device, lines: readonly string[]): void {
  for (const line of lines) device.recorder.line({ source: "ini", line, result: "ignored", output: "" });
}

async function putScript(device: Device, request: RestRequest): Promise<RestAnswer> {
  const text = uploadedText(device, request);
  if (text === undefined) return describe(400, "The provided CLI script is incorrect");
  const { result, configuration } = await rehearseScript(device, emptyConfiguration(device.running), text, {
    source: "script",
    occasion: request,
  });
  if (result.refused.length > 0) return describe(400, explain("The provided CLI script is incorrect", result));
  device.replace(copyConfiguration(configuration));
  return describe(200, willReset, { afterwards: () => device.reboot(false) });
}

async function putIncrementalScript(device: Device, request: RestRequest): Promise<RestAnswer> {
  const text = uploadedText(device, request);
  if (text === undefined) return describe(400, "The provided CLI script is incorrect");
  const half = device.faults.take("half-applied", request);
  const result = await runScript(device, text, {
    source: "script",
    occasion: request,
    signal: request.signal,
    ...(half === undefined ? {} : { lines: half.lines }),
  });
  if (half?.answer === "cut") return { status: 200, cut: true };
  return answerScript(device, request, result);
}

function answerScript(device: Device, request: RestRequest, result: ScriptResult): RestAnswer {
  const description = "Incremental CLI Script file was loaded.";
  const { output } = result;
  const fault = device.faults.take("status-not-success", request);
  if (fault !== undefined) return { status: 200, json: { status: fault.status, description, output: fault.output } };
  if (result.refused.length === 0) return { status: 200, json: { status: "success", description, output } };
  const { failedStatus, refusalAnswer } = device.settings;
  const told = [output, ...result.refused.map((one) => `Line ${one.number}: ${one.line}: ${one.text}`)].join("\r\n");
  switch (refusalAnswer) {
    case "400":
      return describe(400, explain("The provided CLI script is incorrect", result));
    case "status":
      return { status: 200, json: { status: failedStatus, description, output: told } };
    case "output-only":
      return { status: 200, json: { status: "success", description, output: told } };
  }
}

function explain(start: string, result: ScriptResult): string {
  const first = result.refused[0];
  return first === undefined ? start : `${start}: line ${first.number}: ${first.line}: ${first.text}`;
}
