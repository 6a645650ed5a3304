import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { createFolder, settings } from "./command-line.ts";
import { makeDevice, makeHealth } from "./reports.ts";
import { findDeadUrl, startSmallAgent } from "./small-agent.ts";

const answers = { "GET /api/agent/v1/health": { body: makeHealth([makeDevice()]) } };

it("finds the agent and the admin token in the data folder of the configuration", async () => {
  const agent = await startSmallAgent(answers);
  const folder = createFolder();
  folder.announce(agent.url);
  expect((await folder.run(["status"])).code).toBe(0);
  expect(agent.asked.map(({ authorization }) => authorization)).toEqual(["Bearer the-admin-token"]);
});

it.each([
  ["--config after the command", ["status", "--config", "other.yaml"], {}],
  ["--config before the command", ["--config", "other.yaml", "status"], {}],
  ["SBC_AGENT_CONFIG", ["status"], { SBC_AGENT_CONFIG: "other.yaml" }],
])("takes its configuration from %s", async (_, argv, env) => {
  const agent = await startSmallAgent(answers);
  const folder = createFolder({ broken: true });
  folder.announce(agent.url);
  folder.write("other.yaml", JSON.stringify(settings));
  expect((await folder.run(argv, { env })).code).toBe(0);
});

it("goes where --url says with the token of SBC_AGENT_TOKEN, without any configuration", async () => {
  const agent = await startSmallAgent(answers);
  const folder = createFolder();
  const elsewhere = join(folder.path, "data");
  const { code } = await folder.run(["status", "--url", `${agent.url}/`], {
    cwd: elsewhere,
    env: { SBC_AGENT_TOKEN: "mine" },
  });
  expect(code).toBe(0);
  expect(agent.asked).toMatchObject([{ path: "/api/agent/v1/health", authorization: "Bearer mine" }]);
});

it("says what was tried and how to start an agent where none was announced", async () => {
  const folder = createFolder();
  const { code, stdout, stderr } = await folder.run(["status"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("No agent answers.");
  expect(stderr).toContain(`tried ${join(folder.path, "data", "agent.json")}: there is no such file`);
  expect(stderr).toContain("start it with: sbc-agent run\n");
});

it("says what was tried where the announced agent is gone, naming the configuration to start it with", async () => {
  const folder = createFolder();
  const url = await findDeadUrl();
  folder.announce(url);
  const { code, stderr } = await folder.run(["pause", "sbc-1", "--reason", "x", "--config", "agent.yaml"]);
  expect(code).toBe(1);
  expect(stderr).toContain(
    `tried ${url} (from ${join(folder.path, "data", "agent.json")}, process 4711): connection refused`,
  );
  expect(stderr).toContain(`sbc-agent run --config ${join(folder.path, "agent.yaml")}`);
});

it.each([
  ["half a file", '{"pid":'],
  ["another file", '{"pid":"x"}'],
])("does not take %s for an announcement", async (_, text) => {
  const folder = createFolder();
  folder.write("data/agent.json", text);
  const { code, stderr } = await folder.run(["status"]);
  expect(code).toBe(1);
  expect(stderr).toContain("agent.json");
});

it("does not read a token that others can read, and says so when the agent asks for one", async () => {
  const agent = await startSmallAgent({ "GET /api/agent/v1/health": { status: 401, body: { title: "Unauthorized" } } });
  const folder = createFolder();
  folder.announce(agent.url);
  chmodSync(join(folder.path, "data", "admin.token"), 0o644);
  const { code, stderr } = await folder.run(["status"]);
  expect(code).toBe(1);
  expect(agent.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
  expect(stderr).toMatch(
    /answered 401.*Unauthorized\n.*SBC_AGENT_TOKEN is not set, and file .*admin.token has mode 644/,
  );
});

it("names where a refused token came from, and never the token", async () => {
  const agent = await startSmallAgent({ "GET /api/agent/v1/health": { status: 403, body: "no" } });
  const folder = createFolder();
  folder.announce(agent.url);
  const { stderr } = await folder.run(["status", "--debug"], { env: { SBC_AGENT_TOKEN: "very-secret" } });
  expect(stderr).toContain("lacks the scope for this (from SBC_AGENT_TOKEN)");
  expect(stderr).not.toContain("very-secret");
});

it.each([
  ["in clear to another machine", "http://192.0.2.1:8080"],
  ["with a password in it", "https://me:secret@192.0.2.1"],
  ["of another kind", "ftp://192.0.2.1"],
  ["that is none", "here"],
])("refuses a --url %s", async (_, url) => {
  expect((await createFolder().run(["status", "--url", url])).code).toBe(2);
});

it("does not follow a redirect with its token", async () => {
  const elsewhere = await startSmallAgent(answers);
  const location = `${elsewhere.url}/api/agent/v1/health`;
  const agent = await startSmallAgent({ "GET /api/agent/v1/health": { status: 307, body: "elsewhere", location } });
  const folder = createFolder();
  folder.announce(agent.url);
  const { code, stderr } = await folder.run(["status"]);
  expect({ code, asked: elsewhere.asked }).toEqual({ code: 1, asked: [] });
  expect(stderr).toContain("answered 307");
});

it("refuses to run where the environment switches certificate checks off", async () => {
  const { code, stderr } = await createFolder().run(["status"], { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
  expect(code).toBe(2);
  expect(stderr).toContain("NODE_TLS_REJECT_UNAUTHORIZED");
});

it("shows stacks with --debug only", async () => {
  const folder = createFolder();
  expect((await folder.run(["status"])).stderr).not.toContain("    at ");
  expect((await folder.run(["status", "--debug"])).stderr).toContain("    at ");
});

function createSecureFolder(pem: string) {
  const folder = createFolder({ ...settings, portal: { tls: { cert: "./portal.pem", key: "./portal-key.pem" } } });
  folder.write("portal.pem", pem);
  return folder;
}

it("trusts the configured certificate of the agent, whatever name it bears", async () => {
  const own = createCertificate({
    commonName: "portal.example.com",
    dnsNames: ["portal.example.com"],
    ipAddresses: [],
  });
  const agent = await startSmallAgent(answers, { cert: own.certificatePem, key: own.keyPem });
  const folder = createSecureFolder(own.certificatePem);
  folder.announce(agent.url);
  expect(await folder.run(["status"])).toMatchObject({ code: 0, stderr: "" });
});

it("sends nothing to an agent that shows another certificate", async () => {
  const other = createCertificate();
  const agent = await startSmallAgent(answers, { cert: other.certificatePem, key: other.keyPem });
  const folder = createSecureFolder(createCertificate().certificatePem);
  folder.announce(agent.url);
  const { code, stderr } = await folder.run(["status"]);
  expect(code).toBe(1);
  expect(stderr).toContain("self-signed certificate");
  expect(agent.asked).toEqual([]);
});

it("does not let one certificate that it trusts speak under another's name", async () => {
  const own = createCertificate({ dnsNames: ["portal.example.com"], ipAddresses: [] });
  const agent = await startSmallAgent(answers, { cert: own.certificatePem, key: own.keyPem });
  // The first certificate of the file is the agent's; the second is only an authority.
  const folder = createSecureFolder(createCertificate().certificatePem + own.certificatePem);
  folder.announce(agent.url);
  expect((await folder.run(["status"])).code).toBe(1);
  expect(agent.asked).toEqual([]);
});
