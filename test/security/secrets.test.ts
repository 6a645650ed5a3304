import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, describe, expect, it } from "vitest";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { certificate, startFakeDevice } from "../drivers/fake-device.ts";
import { clientOf, eventually, type Client, type TaskBody } from "../e2e/client.ts";
import { startDaemon, writeConfig, type Daemon } from "../e2e/daemon.ts";
import { pin } from "../e2e/reach.ts";
import { configFor, control, deviceFile, drawTenant, portalConfigFor, shapes, type Shape } from "../e2e/rig.ts";
import { canaryOf, filesBelow, findCanaries, plantCanary, type Canary } from "./canary.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const planted = {
  device: plantCanary("the password of the devices", { before: "d/+ &", after: "=%z" }),
  enable: plantCanary("the password of enable"),
  passphrase: plantCanary("the passphrase of the key"),
  ovoc: plantCanary("the password of OVOC", { before: 'o"/\\', after: "+ é" }),
  client: plantCanary("a client's token"),
  operator: plantCanary("an operator's token"),
  agent: plantCanary("an agent's token"),
  customer: plantCanary("a customer's password", { before: "c/+ &", after: "=%z" }),
  other: plantCanary("a secret variable that no blueprint asks for", { after: "é" }),
};

const env = {
  SBC_PASSWORD: planted.device.value,
  SBC_ENABLE: planted.enable.value,
  SBC_AGENT_SOURCE_TOKEN: planted.agent.value,
  CANARY_PASSPHRASE: planted.passphrase.value,
  CANARY_OVOC: planted.ovoc.value,
  CANARY_CLIENT: planted.client.value,
  CANARY_OPERATOR: planted.operator.value,
};

/** A defect anywhere in the process, from outside. */
const defectOnSignal = `data:text/javascript,${encodeURIComponent(
  'process.on("SIGUSR2", () => { throw new Error("a defect") });',
)}`;

/** Says everything that it was told: in fields that are shown, as a text that is no JSON, and where nothing is expected. */
function startEcho(secure: Parameters<typeof startFakeDevice>[1]) {
  let turn = 0;
  return startFakeDevice((request: IncomingMessage, response: ServerResponse, body: string) => {
    const { authorization = "" } = request.headers;
    const told = `${authorization} ${Buffer.from(authorization.replace(/^\w+ /, ""), "base64").toString("utf8")} ${body}`;
    const answers: [number, string][] = [
      [500, JSON.stringify({ description: told, output: told, status: told })],
      [200, `{"status": ${JSON.stringify(told)}, "versionID": "7.40A`],
      [400, told],
      [200, JSON.stringify({ description: told, output: told, status: told, versionID: told, serialNumber: told })],
      [200, JSON.stringify(told)],
    ];
    const [status, text] = answers[turn++ % answers.length] ?? [500, told];
    response.writeHead(status, told.replace(/[^!-~]/g, "").slice(0, 100), { "X-Told": told.replace(/[^ -~]/g, "") });
    response.end(text);
  }, secure);
}

interface Setting {
  folder: string;
  daemons: readonly Daemon[];
  client: Client;
  mocks: { rest: MockSbc; shell: MockSbc };
  /** Those of `planted`, and those that the daemons made. */
  canaries: readonly Canary[];
}

async function startDevices(folder: string) {
  const { device, enable, passphrase } = planted;
  const keys = ssh2.utils.generateKeyPairSync("ed25519", {
    passphrase: passphrase.value,
    cipher: "aes256-ctr",
    rounds: 1,
  });
  writeFileSync(join(folder, "ssh.key"), keys.private, { mode: 0o600 });
  const common = { ini: deviceFile, password: device.value, enablePassword: enable.value };
  const rest = await startMockSbc({ ...common, serialNumber: "1001" });
  opened.push(() => rest.stop());
  const shell = await startMockSbc({
    ...common,
    serialNumber: "1002",
    sshPort: 0,
    authorizedKeys: [keys.public],
  });
  opened.push(() => shell.stop());
  const echo = await startEcho(certificate);
  opened.push(() => echo.close());
  const ssh = {
    privateKey: { file: join(folder, "ssh.key") },
    passphrase: { env: "CANARY_PASSPHRASE" },
    enablePassword: { env: "SBC_ENABLE" },
  };
  return {
    mocks: { rest, shell },
    reaches: [
      { driver: "rest" as const, address: rest.rest },
      { driver: "ssh" as const, address: `ssh://${shell.ssh ?? ""}`, ssh },
      { driver: "rest" as const, address: echo.address },
    ],
    pinned: [rest, shell, { ...rest, certificatePem: certificate.certificatePem, hostKeySha256: "" }],
  };
}

async function start(shape: Shape): Promise<Setting> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-canary-"));
  opened.push(async () => rmSync(folder, { recursive: true, force: true }));
  const { mocks, reaches, pinned } = await startDevices(folder);
  const ovoc = await startEcho("plaintext");
  opened.push(() => ovoc.close());
  const tokens = [
    { name: "portal", scopes: ["client"], token: { env: "CANARY_CLIENT" } },
    { name: "noc", scopes: ["read", "operate"], token: { env: "CANARY_OPERATOR" } },
  ];
  const common = { log: { level: "debug" }, portal: { port: 0, requestsPerMinute: 10_000_000, tokens } };
  const withOvoc = { ...common, ovoc: { url: ovoc.address, user: "ovoc", password: { env: "CANARY_OVOC" } } };
  const options = { variables: env, nodeArgs: ["--import", defectOnSignal] };
  const daemons: Daemon[] = [];
  const near = join(folder, "near");
  mkdirSync(near);
  let source = {};
  if (shape === "apart") {
    const config = portalConfigFor(join(folder, "portal"), reaches.length, withOvoc);
    const portal = await startDaemon(writeConfig(join(folder, "portal"), config), config, "portal", options);
    opened.push(() => portal.kill("SIGKILL"));
    daemons.push(portal);
    source = { source: { url: portal.door.url, ca: config.portal.tls?.cert } };
  }
  const config = configFor(near, reaches, { ...(shape === "apart" ? common : withOvoc), ...source });
  await pin(config, pinned);
  const agent = await startDaemon(writeConfig(near, config), config, "run", options);
  opened.push(() => agent.kill("SIGKILL"));
  daemons.push(agent);
  const [portal = agent] = daemons;
  const made = daemons.flatMap(({ door }) => [canaryOf("an admin token", door.token)]);
  const keys = filesBelow(folder).filter(({ path }) => path.endsWith("seal.key"));
  for (const { bytes } of keys) {
    const text = bytes.toString("utf8").trim();
    made.push(canaryOf("a seal key", text), canaryOf("a seal key", Buffer.from(text, "base64").toString("latin1")));
  }
  return {
    folder,
    daemons,
    client: clientOf(portal.door, agent.door),
    mocks,
    canaries: [...Object.values(planted), ...made],
  };
}

/** Every GET route of a server that this token may call, with all that is known to fill its path. */
async function readEverything(daemon: Daemon, known: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const { client } = daemon;
  const { paths } = (await client.ask("GET", "/openapi.json")).body as { paths: Record<string, object> };
  const gets = Object.entries(paths).filter(([, methods]) => "get" in methods);
  const texts: string[] = [];
  for (const [path] of gets) {
    const variable = /\{(\w+)\}/.exec(path)?.[1];
    const values = variable === undefined ? [""] : known[variable];
    if (values === undefined) throw new Error(`nothing is known to fill ${path} with`);
    for (const value of values)
      for (const query of ["", "?allDetails=true&limit=1000"]) {
        const { status, body } = await client.ask("GET", `${path.replace(`{${variable ?? ""}}`, value)}${query}`);
        texts.push(`${path} ${status} ${typeof body === "string" ? body : JSON.stringify(body)}`);
      }
  }
  return texts.join("\n");
}

async function post({ client }: Setting, shortName: string, device: number): Promise<string> {
  const tenant = drawTenant();
  await client.addLead(tenant);
  return client.post(shortName, tenant, device, {
    CarrierUserName: "user",
    CarrierUserPassword: planted.customer.value,
    OtherSecret: planted.other.value,
  });
}

const says =
  (words: string) =>
  (task: TaskBody): boolean =>
    JSON.stringify(task.executionMessages).includes(words);

/** Troubles of all kinds, each of which makes somebody quote what he was told. */
async function provoke(setting: Setting): Promise<string[]> {
  const { client, mocks } = setting;
  const quoted = `Invalid value "${planted.customer.value}" of ${planted.device.value}`;
  const refusal = { name: "reject-line", match: "password", text: quoted };
  const told = (id: string, words: string) =>
    eventually(
      () => client.task(id),
      says(words),
      (task) => JSON.stringify(task),
    );
  const both = <T>(of: (device: number) => Promise<T>): Promise<T[]> => Promise.all([0, 1].map(of));
  const order = async (rest: object, shell: object): Promise<void> => {
    await control(mocks.rest, "POST", "/faults", rest);
    await control(mocks.shell, "POST", "/faults", shell);
  };

  await order(refusal, { ...refusal, text: `${quoted} ${planted.enable.value}` });
  const echoed = await post(setting, "Echoed", 2);
  const refused = await both((device) => post(setting, `Refused${device}`, device));
  for (const id of refused) {
    const task = await client.ended(id);
    expect(JSON.stringify(task.executionMessages), "the device's words are told").toContain("Invalid value");
  }
  await control(mocks.rest, "DELETE", "/faults");
  await control(mocks.shell, "DELETE", "/faults");

  await order(
    { name: "cut-after-request", path: "incremental", times: 1 },
    { name: "shell-close", match: "activate", times: 1 },
  );
  const cut = await both((device) => post(setting, `Cut${device}`, device));
  for (const id of cut) await told(id, "Ovoc");
  await told(echoed, "tried again");

  await order({ name: "unauthorized-after" }, { name: "unauthorized-after" });
  const denied = await both((device) => post(setting, `Denied${device}`, device));
  for (const id of denied) await told(id, "log-in");
  return [echoed, ...refused, ...cut, ...denied];
}

describe.each(shapes)("rule 3 and invariant 9, %s:", (shape) => {
  it("no secret is in output, answers, metrics, store, arguments and crash, at log level debug under trouble", async () => {
    const setting = await start(shape);
    const { canaries, client, daemons, folder } = setting;
    const tasks = await provoke(setting);
    const places: [string, string | Buffer][] = [];

    const plans = await Promise.all(tasks.map((taskId) => client.ask("POST", "/api/agent/v1/plan", { taskId })));
    places.push(["plans", JSON.stringify(plans)]);
    places.push(["a dry run", JSON.stringify(await client.resync({ dryRun: true }))]);
    const { body } = await client.ask("GET", "/api/v3/customer?allDetails=true");
    const known = {
      taskId: tasks,
      customerGuid: [...JSON.stringify(body).matchAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g)].map(([guid]) => guid),
      device: ["sbc0", "sbc1", "sbc2"],
      subject: [...tasks, "sbc0", "sbc1", "sbc2"],
    };
    for (const daemon of daemons) {
      places.push(["answers", await readEverything(daemon, known)]);
      places.push(["arguments", readFileSync(`/proc/${daemon.pid}/cmdline`)]);
    }
    for (const daemon of daemons) {
      expect(await daemon.kill("SIGUSR2"), "it crashed").toBe(1);
      expect(daemon.output()).toContain("a defect");
      places.push(["output", daemon.output()]);
    }
    for (const { path, bytes } of filesBelow(folder)) places.push([path, bytes]);

    const keepsSecrets = /(?:^|\/)(?:admin\.token|seal\.key|ssh\.key|key\.pem|backups\/.*)$/;
    const found = places
      .filter(([place]) => !keepsSecrets.test(place))
      .flatMap(([place, content]) => findCanaries(canaries, content).map((hit) => `${place}: ${hit}`));
    expect(found).toEqual([]);

    const readable = filesBelow(folder).filter(({ path, file }) => {
      const isOthers = (statSync(file).mode & 0o077) !== 0;
      return isOthers && (keepsSecrets.test(path) || path.endsWith(".db"));
    });
    expect(readable.map(({ path }) => path)).toEqual([]);
    expect(filesBelow(folder).some(({ path }) => path.includes("/backups/"))).toBe(true);
  });
});
