import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkConfig } from "../../agent/settings/config.ts";
import { openAlone, startAgent } from "../../agent/main.ts";
import { environment, configFor } from "../e2e/rig.ts";

function prepare() {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-start-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, config: configFor(folder, [{ driver: "rest", address: "https://127.0.0.1:1" }]) };
}

describe("rule 1:", () => {
  const env = { ...environment, NODE_TLS_REJECT_UNAUTHORIZED: "0" };

  it.each(["embedded", "portal", "agent"] as const)(
    "no agent of role %s starts where the environment turns certificate checks off",
    async (role) => {
      const { config } = prepare();
      await expect(startAgent(config, { role, env, logFormat: "text" })).rejects.toThrow(
        /NODE_TLS_REJECT_UNAUTHORIZED=0/,
      );
    },
  );

  it("no command works on devices there", async () => {
    await expect(openAlone(prepare().config, env)).rejects.toThrow(/NODE_TLS_REJECT_UNAUTHORIZED=0/);
  });

  it.each([
    { trust: "none" },
    { trust: "insecure" },
    { trust: { ca: "x", verify: false } },
    { rejectUnauthorized: false },
    { address: "http://192.0.2.10" },
  ])("no setting turns them off for a device: %j", (change) => {
    const { folder } = prepare();
    const device = {
      name: "sbc0",
      address: "https://192.0.2.10",
      user: "Admin",
      password: { env: "SBC_PASSWORD" },
      gateways: ["gw0.example.com"],
      ...change,
    };
    const settings = { sealKey: { file: "seal.key" }, devices: [device] };
    expect(() => checkConfig(settings, "agent.yaml", folder)).toThrow();
  });
});

describe("rule 5:", () => {
  it.each([
    ["neither TLS nor tokens", {}],
    ["tokens alone", { tokens: [{ name: "a", scopes: ["read"], token: { env: "A" } }] }],
  ])("an API beyond loopback with %s is refused", (_what, more) => {
    const { folder } = prepare();
    const settings = { sealKey: { file: "seal.key" }, portal: { host: "192.0.2.1", ...more } };
    expect(() => checkConfig(settings, "agent.yaml", folder)).toThrow(/portal\.host/);
  });
});
