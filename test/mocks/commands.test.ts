import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { ask } from "./device.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Command {
  readonly child: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<{ code: number | null; errors: string }>;
}

function start(file: string, ...args: string[]): Command {
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], { cwd: root });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")));
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, errors }));
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      if (output.includes("\n")) resolve(output.slice(0, output.indexOf("\n")));
    });
    void ended.then((end) => reject(new Error(`ended without a line: ${end.errors}`)));
  });
  return { child, firstLine, ended };
}

function readObject(line: string): Record<string, string> {
  return JSON.parse(line) as Record<string, string>;
}

describe("mock:sbc", () => {
  it("prints one line when it is ready and ends at SIGTERM", async () => {
    const { child, firstLine, ended } = start(
      "mocks/sbc/main.ts",
      "--ini",
      "config/devices/oc1-7.40.ini",
      "--name",
      "oc1",
    );
    const { rest, control, certificate = "", fingerprint256 } = readObject(await firstLine);
    expect(fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect((await ask(`${rest ?? ""}/api/v1/status`, { ca: certificate })).json()).toMatchObject({
      productType: "oc1",
    });
    expect((await ask(`${control ?? ""}/stats`)).json()).toMatchObject({ requests: 1 });
    child.kill("SIGTERM");
    expect((await ended).code).toBe(0);
  });

  it("serves SSH and the shell on bare TCP where asked, and takes settings", async () => {
    const { firstLine } = start(
      "mocks/sbc/main.ts",
      ...["--ssh-port", "0", "--plain-port", "0", "--settings", '{"shell":{"landing":"#"}}', "--enable-password", "x"],
    );
    const { ssh, hostKeySha256, plain, control } = readObject(await firstLine);
    expect([ssh, plain].join(" ")).toMatch(/^127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+$/);
    expect(hostKeySha256).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect((await ask(`${control ?? ""}/settings`)).json()).toMatchObject({ shell: { landing: "#" } });
  });

  it.each([
    [["--settings", "{"], "--settings takes a JSON object"],
    [["--settings", '{"shell":{"landing":"?"}}'], "landing"],
    [["--ssh-port", "0", "--host-key", "package.json"], "not a key"],
    [["--rest-port", "many"], "--rest-port takes a number"],
    [["--nonsense"], "--nonsense"],
    [["--model", "abacus"], "unknown model abacus"],
    [["--firmware", "7.4"], "--firmware takes a version"],
    [["--cert", "x.pem"], "--cert and --key go together"],
    [["--ini", "nowhere.ini"], "nowhere.ini"],
  ])("says what is wrong with %j", async (args, message) => {
    const { ended, firstLine } = start("mocks/sbc/main.ts", ...args);
    await expect(firstLine).rejects.toThrow(message);
    expect((await ended).code).toBe(1);
  });

  it("explains itself", async () => {
    const { ended, firstLine } = start("mocks/sbc/main.ts", "--help");
    expect(await firstLine).toContain("mock AudioCodes");
    expect((await ended).code).toBe(0);
  });
});

describe("mock:ovoc", () => {
  it("prints one line when it is ready and ends at SIGINT", async () => {
    const { child, firstLine, ended } = start("mocks/ovoc-main.ts", "--user", "op", "--password", "secret");
    const { url = "", control = "" } = readObject(await firstLine);
    expect((await ask(`${url}/ovoc/v1/topology/sites`, { login: "op:secret" })).status).toBe(204);
    expect((await ask(`${control}/state`)).status).toBe(200);
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });

  it("says what is wrong with its arguments", async () => {
    const { ended, firstLine } = start("mocks/ovoc-main.ts", "--port", "x");
    await expect(firstLine).rejects.toThrow("--port takes a number");
    expect((await ended).code).toBe(1);
  });
});
