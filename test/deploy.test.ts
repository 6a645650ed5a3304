import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkConfig, loadConfig, roleFaults } from "../agent/settings/config.ts";

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

describe("the package", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sbc-agent-package-"));
    for (const part of ["package.json", "config"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The paths that npm packs, with these files lying in the checkout beside its own. */
  async function pack(...files: string[]): Promise<string[]> {
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "");
    }
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--no-update-notifier"];
    const { stdout } = await promisify(execFile)("npm", args, { cwd: folder });
    const [{ files: packed }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    return packed.map(({ path }) => path);
  }

  it("carries the command, the example and the blueprints", async () => {
    const built = ["dist/agent/cli.js", "dist/drivers/index.js"];
    const examples = [
      "config/agent.example.yaml",
      "config/blueprints/oc-default.yaml",
      "config/examples/siptest4.json",
    ];
    expect(await pack(...built)).toEqual(expect.arrayContaining([...built, ...examples]));
  });

  it("carries nothing that somebody keeps in a checkout, and no mocks", async () => {
    const clean = await pack();
    const own = ["config/seal.key", "config/agent.yaml", "config/data/admin.token", "config/data/agent.db"];
    const beside = ["config/deploy/seal.key", "config/deploy/data/store.db", "config/deploy/trial/admin.token"];
    expect(await pack(...own, ...beside, "dist/mocks/demo.js")).toEqual(clean);
  });

  it("and the image take the same files of config", () => {
    const { files } = JSON.parse(read("package.json")) as { files: string[] };
    const copied = [...read("config/deploy/Dockerfile").matchAll(/^COPY (config\S*) /gm)].map(([, path]) => path);
    expect(copied).toEqual(files.filter((path) => path.startsWith("config")));
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
