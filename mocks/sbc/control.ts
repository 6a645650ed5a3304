import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Configuration } from "./configuration.ts";
import { cellOf, rowsOf, shapeOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import { printIni } from "./print-ini.ts";
import { describeSecret } from "./secrets.ts";
import { runScript } from "./script.ts";
import { changeSettings } from "./settings.ts";
import { knownTables } from "./tables.ts";
import { isObject } from "./rest-route.ts";
import type { Users } from "./users.ts";
import { readUsers } from "./users.ts";

interface ControlAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
}

type Control = (body: unknown) => ControlAnswer | Promise<ControlAnswer>;

/**
 * The side of the mock that no device has: what a test or a demo looks at and turns. Plain HTTP without log-in, for the
 * loopback address. A body that makes no sense answers 400 `{"error": ...}`.
 */
export function createControlListener(device: Device, users: Users): RequestListener {
  const { faults, recorder, settings } = device;
  const controls: Readonly<Record<string, Control>> = {
    "GET /state": () => ({ status: 200, json: describeState(device) }),
    "GET /ini": () => ({ status: 200, text: printIni(device.running, device.identity) }),
    "GET /received": () => ({ status: 200, json: recorder.received() }),
    "GET /stats": () => ({ status: 200, json: recorder.stats }),
    "GET /faults": () => ({ status: 200, json: faults.list() }),
    "POST /faults": (body) => {
      faults.add(body);
      return { status: 200, json: faults.list() };
    },
    "DELETE /faults": () => {
      faults.clear();
      return { status: 200, json: [] };
    },
    "GET /settings": () => ({ status: 200, json: settings }),
    "PUT /settings": (body) => {
      changeSettings(settings, body);
      return { status: 200, json: settings };
    },
    "PUT /users": (body) => {
      users.replace(readUsers(body));
      return { status: 200, json: {} };
    },
    "POST /reboot": (body) => {
      const saves = isObject(body) && body["saveConfiguration"] === true;
      device.reboot(saves);
      return { status: 200, json: { saveConfiguration: saves } };
    },
    "POST /edit": (body) => edit(device, body),
  };
  return (request, response) => {
    serve(controls, request, response).catch((error: unknown) => {
      answer(response, { status: 400, json: { error: error instanceof Error ? error.message : String(error) } });
    });
  };
}

async function serve(
  controls: Readonly<Record<string, Control>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").replace(/\?.*$/, "").replace(/(.)\/$/, "$1");
  const control = controls[`${request.method ?? "GET"} ${path}`];
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  if (control === undefined) {
    answer(response, { status: 404, json: { error: `no ${path} here` } });
    return;
  }
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  answer(response, await control(body));
}

function answer(response: ServerResponse, { status, json, text }: ControlAnswer): void {
  response.statusCode = status;
  response.setHeader("Content-Type", text === undefined ? "application/json" : "text/plain; charset=utf-8");
  response.end(text ?? JSON.stringify(json));
}

/** Lines of another administrator, run as a script of their own. */
async function edit(device: Device, body: unknown): Promise<ControlAnswer> {
  const lines: unknown = isObject(body) ? body["lines"] : undefined;
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === "string")) {
    throw new Error("lines must be a list of command lines");
  }
  const result = await runScript(device, lines.join("\n"), { source: "edit" });
  return { status: 200, json: { refused: result.refused, output: result.output } };
}

function describeState(device: Device): Record<string, unknown> {
  return {
    serialNumber: device.identity.serialNumber,
    running: describeTables(device.running),
    startup: describeTables(device.startup),
    saveNeeded: device.saveNeeded,
  };
}

function describeTables(configuration: Configuration): Record<string, unknown> {
  const { cliSettings } = configuration;
  const isPlain = Object.keys(cliSettings).length === 0;
  const settings = isPlain ? {} : { "cli-settings": [{ index: 0, active: true, fields: cliSettings }] };
  const tables = Object.fromEntries(
    knownTables.map((table) => [
      table.name,
      rowsOf(configuration, table).map((row) => ({
        index: row.index,
        active: row.active,
        fields: Object.fromEntries(
          shapeOf(configuration, table).columns.map((column) => {
            const cell = cellOf(row, column);
            return [column.name, column.kind === "secret" ? describeSecret(cell) : cell];
          }),
        ),
      })),
    ]),
  );
  return { ...tables, ...settings };
}
