import { describe, expect, it } from "vitest";
import { checkConfig, ConfigError, type AgentConfig } from "../../agent/settings/config.ts";
import { policyOfField, policyOfRows } from "../../agent/settings/drift-policy.ts";
import { settings } from "../cli/command-line.ts";

const [device] = settings.devices;

function configOf(drift: object, ofDevice: object = {}): AgentConfig {
  return checkConfig({ ...settings, drift, devices: [{ ...device, drift: ofDevice }] }, "agent.yaml", "/etc/sbc-agent");
}

function driftOf(...given: Parameters<typeof configOf>): AgentConfig["devices"][number]["drift"] {
  const [found] = configOf(...given).devices;
  if (found === undefined) throw new Error("there is no device");
  return found.drift;
}

function faultsOf(...given: Parameters<typeof configOf>): string[] {
  try {
    configOf(...given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.faults];
    throw error;
  }
}

const realm = (drift: AgentConfig["devices"][number]["drift"]) => policyOfField(drift, "ip-group", "media-realm-name");

describe("the policy of a field", () => {
  it("is to report, as is that of rows, where nothing is said", () => {
    expect([realm(driftOf({})), policyOfRows(driftOf({}))]).toEqual(["report", "report"]);
  });

  const field = (policy: string) => ({ "ip-group.media-realm-name": policy });
  it.each<[string, object, object, string]>([
    [
      "the device's for the field, before all else",
      { policy: "keep", fields: field("keep") },
      { fields: field("restore") },
      "restore",
    ],
    [
      "the general one for the field, before the device's for all",
      { fields: field("keep") },
      { policy: "restore" },
      "keep",
    ],
    ["the device's for all, before the general one", { policy: "keep" }, { policy: "restore" }, "restore"],
    ["the general one for all", { policy: "keep" }, { rows: "restore" }, "keep"],
  ])("is %s", (_, general, ofDevice, expected) => {
    expect(realm(driftOf(general, ofDevice))).toBe(expected);
  });

  it("says nothing of rows, which have their own", () => {
    expect(policyOfRows(driftOf({ policy: "restore" }))).toBe("report");
    expect(policyOfRows(driftOf({ rows: "keep" }, { rows: "restore" }))).toBe("restore");
  });

  it("stays the same when a configuration that was checked is checked again", () => {
    const once = driftOf({ policy: "keep", fields: field("restore") }, { rows: "restore" });
    expect(driftOf({}, once)).toEqual(once);
  });
});

describe("a configuration of policies", () => {
  it.each<[string, object, string]>([
    ["an unknown table", { "ip-grup.tags": "keep" }, "drift.fields.ip-grup.tags: there is no table 'ip-grup'"],
    ["a table that is never written", { "srd.name": "keep" }, "drift.fields.srd.name: there is no table 'srd'"],
    ["an unknown field", { "ip-group.tag": "keep" }, "drift.fields.ip-group.tag: table ip-group has no field 'tag'"],
    ["a field without its table", { tags: "keep" }, "drift.fields.tags: is written TABLE.FIELD"],
    ["a part of an address", { "proxy-ip.priority": "keep" }, "addresses compare as a whole"],
    ["a policy that there is not", { "ip-group.tags": "ignore" }, "drift.fields.ip-group.tags:"],
    ["restoring by ending calls", { "ip-group.type": "restore" }, "ends calls"],
    ["restoring a secret", { "account.password": "restore" }, "devices do not show it"],
    ["restoring addresses", { "proxy-ip.proxy-address": "restore" }, "are never written"],
  ])("with %s is refused with its path", (_, fields, fault) => {
    expect(faultsOf({ fields })).toEqual([expect.stringContaining(fault)]);
    expect(faultsOf({}, { fields })).toEqual([expect.stringContaining(fault.replace(/^drift/, "devices.0.drift"))]);
  });

  it("takes fields of all tables that are written", () => {
    const fields = {
      "ip-group.type": "keep",
      "proxy-set.proxy-enable-keep-alive": "restore",
      "proxy-ip.proxy-address": "keep",
      "account.register": "restore",
    };
    expect(faultsOf({ fields, probe: "1s", maxAge: "26h" })).toEqual([]);
    expect(faultsOf({ probe: "10ms", maxAge: "1s" })).toHaveLength(2);
  });
});
