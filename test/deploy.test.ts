import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkConfig, loadConfig, roleFaults } from "../agent/config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** The names of all credentials that a configuration refers to. */
const credentialsIn = (text: string): string[] =>
  [...text.matchAll(/credential: ([\w-]+)/g)].map(([, name]) => name ?? "");

describe("the systemd unit", () => {
  it("hands over every credential that the documented configuration names", () => {
    const [, yaml = ""] = /```yaml\n([^`]*)```/.exec(read("docs/deploy.md")) ?? [];
    expect(checkConfig(parse(yaml), "docs/deploy.md", "/etc/sbc-agent").dataDir).toBe("/var/lib/sbc-agent");
    const unit = read("config/deploy/sbc-agent.service");
    const handed = [...unit.matchAll(/^#?LoadCredential=([\w-]+):/gm)].map(([, name]) => name);
    expect(handed).toEqual(credentialsIn(yaml));
  });
});

describe("the image of the agent", () => {
  it("starts node as the installed command does", () => {
    const [, options = ""] = /^#!\/usr\/bin\/env -S (node .*)\n/.exec(read("agent/cli.ts")) ?? [];
    expect(options).toContain("--");
    expect(read("config/deploy/Dockerfile")).toContain(`exec ${options} /app/dist/agent/cli.js`);
  });
});

describe("the trial of compose.yaml", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sbc-agent-trial-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const makeSecrets = () =>
    promisify(execFile)(process.execPath, ["--import", "tsx", "mocks/trial-secrets.ts", folder], { cwd: root });
  const contents = (): Map<string, string> =>
    new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]));

  it.each(["portal", "agent"] as const)("configures its %s", (role) => {
    expect(roleFaults(loadConfig(join(root, `config/deploy/trial/${role}.yaml`)), role)).toEqual([]);
  });

  it("makes every secret that its configurations name, for their owner alone", async () => {
    await makeSecrets();
    const texts = ["portal", "agent"].map((role) => read(`config/deploy/trial/${role}.yaml`)).join("\n");
    const files = [...texts.matchAll(/\/run\/secrets\/([\w.-]+)/g)].map(([, name]) => name ?? "");
    expect(readdirSync(folder).sort()).toEqual([...new Set([...credentialsIn(texts), ...files])].sort());
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  });

  it("keeps its secrets from one start to the next", async () => {
    await makeSecrets();
    const before = contents();
    await makeSecrets();
    expect(contents()).toEqual(before);
  });
});
