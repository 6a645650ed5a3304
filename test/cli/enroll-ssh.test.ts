import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { createFolder, settings, type Folder } from "./command-line.ts";
import { startHostKeyServer } from "./host-key-server.ts";
import { findDeadUrl } from "./small-agent.ts";

const algorithm = "ecdsa-sha2-nistp256";
const other = `SHA256:${"A".repeat(43)}`;

function createFolderFor(device: object): Folder {
  return createFolder({ ...settings, devices: [{ ...settings.devices[0], ...device }] });
}

async function prepare(device: object = {}) {
  const server = await startHostKeyServer();
  return { server, folder: createFolderFor({ driver: "ssh", address: server.address, ...device }) };
}

/** A device that is reached over REST and, where that fails, over SSH. */
async function prepareBoth() {
  const server = await startHostKeyServer();
  const sbc = await startMockSbc();
  onTestFinished(() => sbc.stop());
  return {
    server,
    sbc,
    folder: createFolderFor({ driver: "auto", address: sbc.rest, ssh: { address: server.address } }),
  };
}

const pinOf = (folder: Folder) => join(folder.path, "data", "pins", "sbc-1.hostkey");

it("records the host key in one line, readable by its owner alone, once a human has agreed", async () => {
  const { server, folder } = await prepare();
  const questions: string[] = [];
  const { code, stdout, stderr } = await folder.run(["enroll", "sbc-1"], {
    confirm: async (question) => {
      questions.push(question);
      expect(existsSync(pinOf(folder))).toBe(false);
      return true;
    },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(questions).toEqual([
    "Compare the fingerprint with the one on the device. Record this host key for sbc-1? [y/N] ",
  ]);
  expect(readFileSync(pinOf(folder), "utf8")).toBe(`${algorithm} ${server.sha256}\n`);
  expect(statSync(pinOf(folder)).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder.path, "data", "pins"))).toEqual(["sbc-1.hostkey"]);
  expect(stdout).toContain(`sbc-1 at ${server.address} shows:`);
  expect(stdout).toContain(`Host key  ${algorithm}`);
  expect(stdout).toContain(server.sha256);
});

it("tries no log-in", async () => {
  const { server, folder } = await prepare();
  expect((await folder.run(["enroll", "sbc-1", "--yes"])).code).toBe(0);
  expect(server.attempts()).toBe(0);
});

it("records nothing when the human does not agree, and exits 1", async () => {
  const { folder } = await prepare();
  const { code, stderr } = await folder.run(["enroll", "sbc-1"], { confirm: async () => false });
  expect(code).toBe(1);
  expect(stderr).toContain("Nothing was recorded.");
  expect(existsSync(pinOf(folder))).toBe(false);
});

it("records without asking when --fingerprint is the one that is shown", async () => {
  const { server, folder } = await prepare();
  expect((await folder.run(["enroll", "sbc-1", "--fingerprint", server.sha256])).code).toBe(0);
  expect(readFileSync(pinOf(folder), "utf8")).toContain(server.sha256);
});

it("refuses a device that shows another fingerprint than the one given, even with --yes and --replace", async () => {
  const { folder } = await prepare();
  const { code, stderr } = await folder.run(["enroll", "sbc-1", "--fingerprint", other, "--yes", "--replace"]);
  expect(code).toBe(1);
  expect(stderr).toContain(other);
  expect(existsSync(pinOf(folder))).toBe(false);
});

it("has nothing to do for a host key that is enrolled already", async () => {
  const { server, folder } = await prepare();
  folder.write("data/pins/sbc-1.hostkey", `${algorithm} ${server.sha256}\n`);
  const { code, stdout } = await folder.run(["enroll", "sbc-1"]);
  expect(code).toBe(0);
  expect(stdout).toContain("sbc-1 is enrolled already with this host key.");
});

it("shows both host keys and refuses where another one is enrolled, and takes the new one with --replace", async () => {
  const { server, folder } = await prepare();
  folder.write("data/pins/sbc-1.hostkey", `ssh-rsa ${other}\n`);

  const refused = await folder.run(["enroll", "sbc-1", "--yes"]);
  expect(refused.code).toBe(1);
  expect(refused.stdout.indexOf(other)).toBeLessThan(refused.stdout.indexOf(server.sha256));
  expect(refused.stderr).toContain("another host key is enrolled");
  expect(refused.stderr).toContain("--replace");
  expect(readFileSync(pinOf(folder), "utf8")).toContain(other);

  expect((await folder.run(["enroll", "sbc-1", "--yes", "--replace"])).code).toBe(0);
  expect(readFileSync(pinOf(folder), "utf8")).toBe(`${algorithm} ${server.sha256}\n`);
});

it("refuses to judge by a pin that holds no host key", async () => {
  const { folder } = await prepare();
  folder.write("data/pins/sbc-1.hostkey", "nothing\n");
  const { code, stderr } = await folder.run(["enroll", "sbc-1", "--yes"]);
  expect(code).toBe(1);
  expect(stderr).toContain("does not hold a host key");
});

it("prints the host key with --json and nothing else on stdout", async () => {
  const { server, folder } = await prepare();
  const { stdout } = await folder.run(["enroll", "sbc-1", "--yes", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    device: "sbc-1",
    result: "enrolled",
    kind: "host-key",
    file: pinOf(folder),
    algorithm,
    sha256: server.sha256,
  });
});

it("says when the device's setting makes no use of what was enrolled", async () => {
  const { folder } = await prepare({ ssh: { hostKey: { sha256: other } } });
  const { code, stderr } = await folder.run(["enroll", "sbc-1", "--yes"]);
  expect(code).toBe(0);
  expect(stderr).toContain("'ssh.hostKey'");
});

it("records both the certificate and the host key of a device of driver auto, with one question", async () => {
  const { server, sbc, folder } = await prepareBoth();
  const questions: string[] = [];
  const { code, stdout } = await folder.run(["enroll", "sbc-1"], {
    confirm: async (question) => {
      questions.push(question);
      return true;
    },
  });
  expect({ code, questions: questions.length }).toEqual({ code: 0, questions: 1 });
  expect(questions[0]).toContain("Record this certificate and this host key for sbc-1?");
  expect(stdout).toContain(`sbc-1 at ${sbc.rest} shows:`);
  expect(stdout).toContain(`sbc-1 at ${server.address} shows:`);
  expect(readdirSync(join(folder.path, "data", "pins")).sort()).toEqual(["sbc-1.hostkey", "sbc-1.pem"]);
});

it("adds the host key of a device whose certificate is enrolled already", async () => {
  const { sbc, folder } = await prepareBoth();
  folder.write("data/pins/sbc-1.pem", sbc.certificatePem);
  const { code, stdout } = await folder.run(["enroll", "sbc-1", "--yes", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ identities: [{ kind: "certificate" }, { kind: "host-key" }] });
  expect(existsSync(pinOf(folder))).toBe(true);
});

it("wants a --fingerprint for each of the two of a device of driver auto, in any order", async () => {
  const { server, sbc, folder } = await prepareBoth();
  const one = await folder.run(["enroll", "sbc-1", "--fingerprint", server.sha256]);
  expect(one.code).toBe(2);
  expect(one.stderr).toContain("one for its certificate and one for its host key");
  expect(existsSync(pinOf(folder))).toBe(false);
  const both = ["--fingerprint", server.sha256, "--fingerprint", sbc.fingerprint256];
  expect((await folder.run(["enroll", "sbc-1", ...both])).code).toBe(0);
});

it("records neither of the two when one is not the one that was given", async () => {
  const { sbc, folder } = await prepareBoth();
  const both = ["--fingerprint", other, "--fingerprint", sbc.fingerprint256];
  expect((await folder.run(["enroll", "sbc-1", ...both])).code).toBe(1);
  expect(existsSync(join(folder.path, "data", "pins"))).toBe(false);
});

it("exits 1 with what was tried where the device does not answer", async () => {
  const address = (await findDeadUrl()).replace("http:", "ssh:");
  const { code, stderr } = await createFolderFor({ driver: "ssh", address }).run(["enroll", "sbc-1", "--yes"]);
  expect(code).toBe(1);
  expect(stderr).toContain(address.replace("ssh://", ""));
});

it.each([
  ["a malformed fingerprint", "SHA256:abc"],
  ["a certificate's fingerprint", Array.from({ length: 32 }, () => "AB").join(":")],
])("exits 2 for %s", async (_, fingerprint) => {
  const folder = createFolderFor({ driver: "ssh", address: "ssh://127.0.0.1:1" });
  expect((await folder.run(["enroll", "sbc-1", "--fingerprint", fingerprint])).code).toBe(2);
});
