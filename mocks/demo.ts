import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";

/** The main job, end to end, by the commands alone: two mock neighbours, the agent, one conversion, and a second run. */

const root = fileURLToPath(new URL("..", import.meta.url));
const example = "config/examples/siptest4.json";
const secrets = { DEMO_SBC_PASSWORD: "Admin", DEMO_OVOC_PASSWORD: "ovoc" };
const children: ChildProcess[] = [];

function start(script: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ["--import", "tsx", join(root, script), ...args], {
    cwd: root,
    env: { ...process.env, ...secrets },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

/** The first line that a long-running command prints, once it is ready. */
async function firstLine(script: string, args: readonly string[]): Promise<string> {
  const child = start(script, args);
  if (child.stdout === null) throw new Error(`${script} has no output`);
  const lines = createInterface(child.stdout);
  const line = once(lines, "line").then(([text]) => text as string);
  const exit = once(child, "exit").then(([code]) => {
    throw new Error(`${script} ended early with code ${String(code)}`);
  });
  return Promise.race([line, exit]);
}

/** Runs one command to its end, and resolves with what it printed. */
async function run(args: readonly string[]): Promise<string> {
  console.log(`\n$ sbc-agent ${args.filter((arg) => arg !== "--config" && !arg.endsWith("agent.yaml")).join(" ")}`);
  const child = start("agent/cli.ts", args);
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
    process.stdout.write(chunk);
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`sbc-agent ${args.join(" ")} ended with code ${String(code)}`);
  return printed;
}

interface DeviceState {
  saveNeeded: boolean;
  running: Record<string, { index: number; active: boolean; fields: Record<string, string | object> }[]>;
}

async function readState(control: string): Promise<DeviceState> {
  return (await (await fetch(`${control}/state`)).json()) as DeviceState;
}

function newRows(before: DeviceState, after: DeviceState): string[] {
  return Object.entries(after.running).flatMap(([table, rows]) =>
    rows
      .filter((row) => !(before.running[table] ?? []).some(({ index }) => index === row.index))
      .map(({ index, fields }) => {
        // Secrets are shown as objects.
        const set = Object.entries(fields).flatMap(([field, value]) =>
          typeof value === "object" || ["", "0", "-1"].includes(value) ? [] : [`      ${field} = ${value}`],
        );
        return [`  ${table} ${index}`, ...set].join("\n");
      }),
  );
}

async function demonstrate(folder: string): Promise<void> {
  console.log("A mock SBC, from config/devices/oc1-7.40.ini, and a mock OVOC:");
  const sbc = JSON.parse(
    await firstLine("mocks/sbc/main.ts", [
      "--rest-port",
      "0",
      "--control-port",
      "0",
      "--ini",
      "config/devices/oc1-7.40.ini",
      "--model",
      "ve-4gb",
    ]),
  ) as { rest: string; control: string; fingerprint256: string };
  const ovoc = JSON.parse(await firstLine("mocks/ovoc-main.ts", ["--port", "0", "--control-port", "0"])) as {
    url: string;
  };
  console.log(`  SBC  ${sbc.rest}\n  OVOC ${ovoc.url}`);

  const config = parse(await readFile(join(root, "config/demo.yaml"), "utf8")) as {
    devices: { address: string }[];
    ovoc: { url: string };
  };
  for (const device of config.devices) device.address = sbc.rest;
  config.ovoc.url = ovoc.url;
  const file = join(folder, "agent.yaml");
  await writeFile(file, stringify(config));
  const agent = (...args: string[]): Promise<string> => run([...args, "--config", file]);

  await agent("enroll", "sbc1", "--fingerprint", sbc.fingerprint256);

  console.log("\n$ sbc-agent run");
  console.log(`  ${await firstLine("agent/cli.ts", ["run", "--config", file])}`);
  const { url } = JSON.parse(await readFile(join(folder, "data/agent.json"), "utf8")) as { url: string };
  const token = (await readFile(join(folder, "data/admin.token"), "utf8")).trim();

  const { msTenantId } = JSON.parse(await readFile(join(root, example), "utf8")) as { msTenantId: string };
  console.log(`\nPOST /api/v2/oc/lead: the lead of tenant ${msTenantId}`);
  const lead = await fetch(`${url}/api/v2/oc/lead`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ tenantId: msTenantId, companyName: "SIPTest4" }),
  });
  console.log(`  ${lead.status} ${lead.statusText}`);

  const before = await readState(sbc.control);
  const task = await agent("convert", example);
  const id = /wst_[0-9a-f-]+/.exec(task)?.[0];
  if (id === undefined) throw new Error("convert named no task");
  console.log(`\nGET /api/v2/task/${id}`);
  const result = await fetch(`${url}/api/v2/task/${id}`, { headers: { authorization: `Bearer ${token}` } });
  console.log(JSON.stringify(await result.json(), null, 2));
  const after = await readState(sbc.control);
  console.log(`\nRows that came into being on the SBC (${after.saveNeeded ? "NOT saved" : "saved to flash"}):`);
  console.log(newRows(before, after).join("\n"));

  console.log("\nThe plan of a second run is empty:");
  await agent("resync", "--dry-run");
  await agent("resync");
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sbc-agent-demo-"));
  try {
    await demonstrate(folder);
    console.log("\nDone: converted once, saved, and in sync.");
  } catch (error) {
    console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      running.map(async (child) => {
        const closed = once(child, "close");
        child.kill("SIGTERM");
        await closed;
      }),
    );
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
