import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { createFolder, now, settings } from "./command-line.ts";

const env = { SBC_1_PASSWORD: "p" };
const check = ["config", "check"];

function withDevice(device: object): object {
  return { ...settings, devices: [{ ...settings.devices[0], ...device }] };
}

it("calls a configuration usable, with a table of devices and gateways", async () => {
  const folder = createFolder(withDevice({ gateways: ["oc1.example.com", "oc2.example.com"] }));
  const { code, stdout, stderr } = await folder.run(check, { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^sbc-1 +https:\/\/127.0.0.1:8443 +manage +enrolled +oc1.example.com\n +oc2.example.com\n/m);
  expect(stdout).toMatch(/^devices.0.password +env SBC_1_PASSWORD +set$/m);
  expect(stdout).toMatch(/^sealKey +file \S+seal.key +made at first start$/m);
  expect(stdout).toContain(`${join(folder.path, "agent.yaml")}: usable, 1 device\n`);
});

it("never shows a secret", async () => {
  const { stdout, stderr } = await createFolder().run(check, { env: { SBC_1_PASSWORD: "hunter2" } });
  expect(stdout + stderr).not.toContain("hunter2");
});

it("names every fault with its path at once and exits 2", async () => {
  const folder = createFolder({
    ...withDevice({ blueprint: "nothing", model: "mediant-9", password: { file: "./password" } }),
    portal: {
      tls: { cert: "./no.pem", key: "./no-key.pem" },
      tokens: [{ name: "x", scopes: ["read"], token: { env: "NO" } }],
    },
  });
  folder.write("password", "p");
  chmodSync(join(folder.path, "password"), 0o640);
  const { code, stdout, stderr } = await folder.run(check);
  expect(code).toBe(2);
  expect(stderr).toContain("has 6 faults:");
  expect(stderr).toMatch(/portal.tls.cert: .*ENOENT/);
  expect(stderr).toMatch(/portal.tls.key: .*ENOENT/);
  expect(stderr).toMatch(/portal.tokens.0.token: environment variable NO is not set/);
  expect(stderr).toMatch(/devices.0.password: file .*password has mode 640/);
  expect(stderr).toMatch(/devices.0.blueprint: there is no 'nothing'; there are .*oc-default/);
  expect(stderr).toMatch(/devices.0.model: 'mediant-9' is none of .*ve-4gb/);
  expect(stdout).toMatch(/^portal.tokens.0.token +env NO +not set$/m);
  expect(stdout).toMatch(/^devices.0.password +file \S+ +mode 640$/m);
});

const agent = { name: "ams", token: { env: "TOKEN" }, devices: ["sbc-1"], gateways: ["oc1.example.com"] };

it("names the faults of the file itself", async () => {
  const { code, stderr } = await createFolder({ devices: [{}] }).run(check);
  expect(code).toBe(2);
  expect(stderr).toMatch(/sealKey: .*\n.*devices.0.name: /);
});

it.each<[string, object, string]>([
  ["an agent", { devices: [] }, "devices: is empty"],
  ["a portal", { devices: [], agents: [{ ...agent }] }, "portal.tls: is missing"],
  ["one process", { agents: [{ ...agent }] }, "agents: nobody pulls from 'sbc-agent run'"],
])("names what %s lacks or has too much", async (_, changes, fault) => {
  const { code, stderr } = await createFolder({ ...settings, ...changes }).run(check, { env });
  expect(code).toBe(2);
  expect(stderr).toContain(fault);
});

it("says which file is missing", async () => {
  const { code, stderr } = await createFolder().run([...check, "--config", "nothing.yaml"]);
  expect(code).toBe(2);
  expect(stderr).toContain("nothing.yaml");
});

it("names every fault of blueprints", async () => {
  const folder = createFolder({ ...settings, blueprints: "./blueprints" });
  folder.write("blueprints/a.yaml", "name: a\n");
  folder.write("blueprints/b.yaml", "name: 3\n");
  const { code, stderr } = await folder.run(check, { env });
  expect(code).toBe(2);
  expect(stderr).toContain("a.yaml: description:");
  expect(stderr).toContain("b.yaml: name:");
});

it("takes a missing folder of blueprints for a fault", async () => {
  const { code, stderr } = await createFolder({ ...settings, blueprints: "./none" }).run(check, { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/blueprints: .*none/);
});

it("takes a seal key that is missing beside a store for a fault: the store could not be read", async () => {
  const folder = createFolder();
  folder.write("data/agent.db", "");
  const { code, stderr } = await folder.run(check, { env });
  expect(code).toBe(2);
  expect(stderr).toContain("sealKey:");
});

it("takes a seal key that is none for a fault", async () => {
  const folder = createFolder();
  folder.write("seal.key", "short");
  expect((await folder.run(check, { env })).stderr).toContain("sealKey:");
});

const day = 86_400_000;

it.each([
  ["is not enrolled", undefined, /sbc-1 is not enrolled.*sbc-agent enroll sbc-1/],
  ["shows a certificate that has expired", -day, /sbc-1 shows a certificate that expired on/],
  ["shows a certificate that expires soon", 10 * day, /sbc-1 shows a certificate that expires on/],
])("warns of a device that %s, and still exits 0", async (_, leftMs, words) => {
  const folder = createFolder();
  if (leftMs !== undefined) {
    const notBefore = new Date(now - 100 * day);
    const { certificatePem } = createCertificate({ notBefore, notAfter: new Date(now + leftMs) });
    folder.write("data/pins/sbc-1.pem", certificatePem);
  }
  const { code, stdout } = await folder.run(check, { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(words);
});

it("has no warning for an enrolled device", async () => {
  const folder = createFolder();
  const { certificatePem } = createCertificate({ notAfter: new Date(now + 100 * day) });
  folder.write("data/pins/sbc-1.pem", certificatePem);
  expect((await folder.run(check, { env })).stdout).not.toContain("Warnings");
});

const overSsh = { driver: "ssh", address: "ssh://192.0.2.10" };
const pinnedKey = `ssh-rsa SHA256:${"A".repeat(43)}\n`;

it("warns of a device over SSH whose host key is not enrolled, and of a trust setting that it makes no use of", async () => {
  const folder = createFolder(withDevice({ ...overSsh, trust: "system" }));
  const { code, stdout } = await folder.run(check, { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/sbc-1 is not enrolled.*sbc-agent enroll sbc-1/);
  expect(stdout).toContain("sbc-1 makes no use of 'trust': driver ssh goes by 'ssh.hostKey'");
});

it("warns of a file that holds no host key", async () => {
  const folder = createFolder(withDevice(overSsh));
  folder.write("data/pins/sbc-1.hostkey", "AAAA\n");
  expect((await folder.run(check, { env })).stdout).toMatch(/sbc-1 has no host key in \S+sbc-1.hostkey/);
});

it("has no warning for an enrolled device over SSH", async () => {
  const folder = createFolder(withDevice(overSsh));
  folder.write("data/pins/sbc-1.hostkey", pinnedKey);
  expect((await folder.run(check, { env })).stdout).not.toContain("Warnings");
});

it.each([
  ["its certificate", "data/pins/sbc-1.hostkey", pinnedKey],
  ["its host key", "data/pins/sbc-1.pem", createCertificate({ notAfter: new Date(now + 100 * day) }).certificatePem],
])("warns once of a device of driver auto that lacks %s", async (_, file, pin) => {
  const folder = createFolder(withDevice({ driver: "auto" }));
  expect((await folder.run(check, { env })).stdout.match(/is not enrolled/g)).toHaveLength(1);
  folder.write(file, pin);
  expect((await folder.run(check, { env })).stdout.match(/is not enrolled/g)).toHaveLength(1);
});

it("names the dialects there are where another one is meant", async () => {
  const folder = createFolder(withDevice({ ...overSsh, ssh: { dialect: "shell-9" } }));
  const { code, stderr } = await folder.run(check, { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/devices.0.ssh.dialect: 'shell-9' is none of shell-7, shell-6/);
});

it("warns of a policy on unsaved edits that cannot be kept over SSH", async () => {
  const { stdout } = await createFolder(withDevice({ ...overSsh, foreignEdits: "refuse" })).run(check, { env });
  expect(stdout).toContain("cannot keep 'foreignEdits: refuse' over SSH");
});

it("looks at all the secrets of a shell", async () => {
  const ssh = { privateKey: { env: "KEY" }, passphrase: { env: "LOCK" }, enablePassword: { env: "ENABLE" } };
  const { stderr } = await createFolder(withDevice({ ...overSsh, password: undefined, ssh })).run(check, { env });
  expect(stderr).toMatch(/ssh.privateKey: .* KEY is not set/);
  expect(stderr).toMatch(/ssh.passphrase: .* LOCK is not set/);
  expect(stderr).toMatch(/ssh.enablePassword: .* ENABLE is not set/);
});

it("prints the findings with --json", async () => {
  const { code, stdout } = await createFolder().run([...check, "--json"]);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({
    faults: ["devices.0.password: environment variable SBC_1_PASSWORD is not set or empty"],
    warnings: [expect.stringContaining("not enrolled")],
    devices: [{ name: "sbc-1", driver: "rest", blueprint: "oc-default", gateways: ["oc1.example.com"] }],
    secrets: [{ path: "sealKey" }, { path: "devices.0.password", state: "not set" }],
  });
});
