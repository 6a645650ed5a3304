import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { createFolder, settings, type Folder } from "./command-line.ts";
import { findDeadUrl } from "./small-agent.ts";

async function prepare(device: object = {}) {
  const sbc = await startMockSbc({ certificate: { commonName: "sbc-1.example.com" } });
  onTestFinished(() => sbc.stop());
  return { sbc, folder: createFolderFor(sbc.rest, device) };
}

function createFolderFor(address: string, device: object = {}): Folder {
  return createFolder({ ...settings, devices: [{ ...settings.devices[0], address, ...device }] });
}

const pinOf = (folder: Folder) => join(folder.path, "data", "pins", "sbc-1.pem");
const fingerprintIn = (text: string) => (text.match(/(?:[0-9A-F]{2}:){15}(?:[0-9A-F]{2}:?)?/g) ?? []).join("");

it("records the certificate, readable by its owner alone, once a human has agreed", async () => {
  const { sbc, folder } = await prepare();
  const questions: string[] = [];
  const { code, stdout, stderr } = await folder.run(["enroll", "sbc-1"], {
    confirm: async (question) => {
      questions.push(question);
      expect(existsSync(pinOf(folder))).toBe(false);
      return true;
    },
  });
  expect({ code, stderr, questions: questions.length }).toEqual({ code: 0, stderr: "", questions: 1 });
  expect(readFileSync(pinOf(folder), "utf8").trim()).toBe(sbc.certificatePem.trim());
  expect(statSync(pinOf(folder)).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder.path, "data", "pins"))).toEqual(["sbc-1.pem"]);
  expect(stdout).toContain("Subject  CN=sbc-1.example.com");
  expect(stdout).toMatch(/Valid {4}\S.* GMT - \S.* GMT\n/);
  expect(fingerprintIn(stdout)).toBe(sbc.fingerprint256);
});

it("shows the device no credentials", async () => {
  const { sbc, folder } = await prepare();
  await folder.run(["enroll", "sbc-1", "--yes"]);
  const asked = await (await fetch(`${sbc.control}/requests`)).json();
  expect(JSON.stringify(asked)).not.toMatch(/authorization|Basic /i);
});

it("records nothing when the human does not agree, and exits 1", async () => {
  const { folder } = await prepare();
  const { code, stderr } = await folder.run(["enroll", "sbc-1"], { confirm: async () => false });
  expect(code).toBe(1);
  expect(stderr).toContain("Nothing was recorded.");
  expect(existsSync(pinOf(folder))).toBe(false);
});

it("records nothing when it is interrupted at the question", async () => {
  const { folder } = await prepare();
  const interrupt = new AbortController();
  const { code, stderr } = await folder.run(["enroll", "sbc-1"], {
    signal: interrupt.signal,
    confirm: async (_question, signal) => {
      interrupt.abort();
      signal.throwIfAborted();
      return true;
    },
  });
  expect({ code, stderr }).toEqual({ code: 1, stderr: "Interrupted.\n" });
  expect(existsSync(pinOf(folder))).toBe(false);
});

it("shows the certificate and exits 2 where nobody can be asked", async () => {
  const { sbc, folder } = await prepare();
  const { code, stdout, stderr } = await folder.run(["enroll", "sbc-1"]);
  expect(code).toBe(2);
  expect(fingerprintIn(stdout)).toBe(sbc.fingerprint256);
  expect(stderr).toContain("--fingerprint SHA256 (or --yes)");
  expect(existsSync(pinOf(folder))).toBe(false);
});

it.each([
  ["as it is printed", (sha256: string) => sha256],
  ["in lower case without colons", (sha256: string) => sha256.replaceAll(":", "").toLowerCase()],
])("records without asking when --fingerprint is the one that is shown, %s", async (_, spell) => {
  const { sbc, folder } = await prepare();
  const { code } = await folder.run(["enroll", "sbc-1", "--fingerprint", spell(sbc.fingerprint256)]);
  expect(code).toBe(0);
  expect(existsSync(pinOf(folder))).toBe(true);
});

it("refuses a device that shows another fingerprint than the one given, even with --yes and --replace", async () => {
  const { folder } = await prepare();
  const other = createCertificate().fingerprint256;
  const { code, stderr } = await folder.run(["enroll", "sbc-1", "--fingerprint", other, "--yes", "--replace"]);
  expect(code).toBe(1);
  expect(stderr).toContain(other);
  expect(existsSync(pinOf(folder))).toBe(false);
});

it("has nothing to do for a certificate that is enrolled already", async () => {
  const { sbc, folder } = await prepare();
  folder.write("data/pins/sbc-1.pem", sbc.certificatePem);
  const { code, stdout } = await folder.run(["enroll", "sbc-1"]);
  expect(code).toBe(0);
  expect(stdout).toContain("enrolled already");
});

it("shows both certificates and refuses where another one is enrolled, and takes the new one with --replace", async () => {
  const { sbc, folder } = await prepare();
  const old = createCertificate({ commonName: "old.example.com" });
  folder.write("data/pins/sbc-1.pem", old.certificatePem);

  const refused = await folder.run(["enroll", "sbc-1", "--yes"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("CN=old.example.com");
  expect(refused.stdout).toContain("CN=sbc-1.example.com");
  expect(fingerprintIn(refused.stdout)).toBe(old.fingerprint256 + sbc.fingerprint256);
  expect(refused.stderr).toContain("--replace");
  expect(readFileSync(pinOf(folder), "utf8")).toBe(old.certificatePem);

  expect((await folder.run(["enroll", "sbc-1", "--yes", "--replace"])).code).toBe(0);
  expect(readFileSync(pinOf(folder), "utf8").trim()).toBe(sbc.certificatePem.trim());
});

it("still asks a human with --replace", async () => {
  const { folder } = await prepare();
  const old = createCertificate();
  folder.write("data/pins/sbc-1.pem", old.certificatePem);
  expect((await folder.run(["enroll", "sbc-1", "--replace"], { confirm: async () => false })).code).toBe(1);
  expect(readFileSync(pinOf(folder), "utf8")).toBe(old.certificatePem);
});

it("prints the certificate with --json and nothing else on stdout", async () => {
  const { sbc, folder } = await prepare();
  const { stdout } = await folder.run(["enroll", "sbc-1", "--yes", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    device: "sbc-1",
    result: "enrolled",
    file: pinOf(folder),
    subject: "CN=sbc-1.example.com",
    fingerprint256: sbc.fingerprint256,
  });
});

it("says when the device's trust setting makes no use of what was enrolled", async () => {
  const { folder } = await prepare({ trust: "system" });
  const { code, stderr } = await folder.run(["enroll", "sbc-1", "--yes"]);
  expect(code).toBe(0);
  expect(stderr).toContain("'trust'");
});

it("warns of a certificate that the agent will refuse because it has expired", async () => {
  const sbc = await startMockSbc({
    certificate: { notBefore: new Date("2024-01-01"), notAfter: new Date("2025-01-01") },
  });
  onTestFinished(() => sbc.stop());
  const { stderr } = await createFolderFor(sbc.rest).run(["enroll", "sbc-1", "--yes"]);
  expect(stderr).toContain("expired");
});

it("exits 1 with what was tried where the device does not answer", async () => {
  const address = (await findDeadUrl()).replace("http:", "https:");
  const { code, stderr } = await createFolderFor(address).run(["enroll", "sbc-1", "--yes"]);
  expect(code).toBe(1);
  expect(stderr).toContain(address.replace("https://", ""));
});

it.each([
  ["an unknown device", ["enroll", "sbc-9"], {}],
  ["a malformed fingerprint", ["enroll", "sbc-1", "--fingerprint", "AB:CD"], {}],
  ["a device over plain HTTP", ["enroll", "sbc-1", "--yes"], { address: "http://127.0.0.1:1", trust: "plaintext" }],
])("exits 2 for %s", async (_, argv, device) => {
  expect((await createFolderFor("https://127.0.0.1:1", device).run(argv)).code).toBe(2);
});
