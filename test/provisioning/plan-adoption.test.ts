import { describe, expect, it } from "vitest";
import type { DeviceConfig, Fields, Row } from "../../drivers/driver.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import { planAdoption } from "../../agent/provisioning/plan-adoption.ts";
import type { MappedGroup } from "../../agent/provisioning/render-adoption.ts";
import { planOptions } from "../../agent/provisioning/work.ts";
import { blueprintNamed, carriers } from "./customers.ts";
import { configOf, description, neighbours, row, withDefaults } from "./device-fixture.ts";
import { deviceSettings } from "./settings.ts";

const tenant = "f79a7f93-5ef7-47d2-92c8-e4570503cec3";
const other = "5f0d2bb4-7d5c-4f7c-9b8e-1d1a5a3c7e02";
const device = { name: "sbc1", gateways: ["oc1.example.com"], withoutTags: false };

let index = 10;
function group(name: string, fields: Fields = {}, rest: Partial<Row> = {}): Row {
  const all = {
    name,
    tags: `Trunk=${tenant}`,
    "proxy-set-name": "Foreign",
    "srd-name": "DefaultSRD",
    "classify-by-proxy-set": "disable",
    ...fields,
  };
  return row("ip-group", (index += 1), withDefaults("ip-group", all), rest);
}

function account(name: string, fields: Fields = {}): Row {
  const served = { "served-ip-group-name": name, "serving-ip-group-name": name };
  return row("account", (index += 1), withDefaults("account", { ...served, "user-name": "florist", ...fields }));
}

const config = (...rows: Row[]): DeviceConfig =>
  configOf([...neighbours.filter(({ table }) => table !== "ip-group"), ...rows]);

function plan(
  of: DeviceConfig,
  mapping: MappedGroup[] = [],
  more: Partial<typeof device & { blueprint: string }> = {},
) {
  const { blueprint = "oc-default", ...rest } = more;
  return planAdoption(of, [], mapping, { device: { ...device, ...rest }, blueprint: blueprintNamed(blueprint) });
}

const reasons = (of: ReturnType<typeof plan>) => of.skipped.map(({ ipGroup, reason }) => `${ipGroup}: ${reason}`);

/** What a re-sync of what was adopted would find. */
function differencesOf(of: DeviceConfig, { candidates }: ReturnType<typeof plan>) {
  const links = candidates.map(({ adoption }) => ({ ...adoption, fullName: "", secrets: {}, linkedAt: 0 }));
  const context = {
    device: deviceSettings,
    carriers,
    blueprint: blueprintNamed("oc-default"),
    blueprints: new Map(),
    settings: { carrierPolicy: "report" as const },
    hash: (text: string) => text,
  };
  const request = { kind: "resync" as const, dryRun: true, endCalls: false, rerender: false };
  const intents = links.map(({ intent, secretHashes }) => ({
    intent,
    linked: true,
    secrets: {},
    secretsWritten: new Set(Object.keys(secretHashes)),
  }));
  const { steps, conflicts } = planDevice(of, description, intents, [], planOptions(context, request, links));
  return { steps, conflicts: [...conflicts.values()] };
}

const inSync = { steps: [], conflicts: [] };

describe("what is on a device", () => {
  it("is adopted as it stands, by its tag among others and in any case", () => {
    const of = config(
      group("Florist", { tags: `Site=Berlin;Trunk=${tenant.toUpperCase()}`, "sip-group-name": "f.example" }),
    );
    const found = plan(of);
    expect(found).toMatchObject({ skipped: [], linked: 0, unnamed: 0 });
    expect(found.candidates).toMatchObject([
      {
        ipGroups: ["Florist"],
        tagged: true,
        adoption: {
          tenantId: tenant,
          shortName: "Florist",
          fullName: null,
          device: "sbc1",
          gateway: "oc1.example.com",
          proxySet: "Foreign",
          variables: { CarrierHostName: "f.example" },
        },
      },
    ]);
    expect(found.candidates[0]?.adoption.intent.rows).toEqual([
      {
        table: "proxy-set",
        name: "Foreign",
        role: "shared",
        fields: { "proxy-name": "Foreign" },
        secretFields: {},
        children: [],
      },
      {
        table: "ip-group",
        name: "Florist",
        role: "own",
        fields: {
          tags: `Site=Berlin;Trunk=${tenant.toUpperCase()}`,
          name: "Florist",
          "proxy-set-name": "Foreign",
          "srd-name": "DefaultSRD",
          "sip-group-name": "f.example",
          "classify-by-proxy-set": "disable",
        },
        secretFields: {},
        children: [],
      },
    ]);
    expect(differencesOf(of, found)).toEqual(inSync);
  });

  it("takes its Account along, whose password nobody knows", () => {
    const of = config(group("Florist"), account("Florist"), account("Elsewhere"));
    const found = plan(of);
    const [one] = found.candidates;
    expect(one?.adoption.intent.rows.map(({ table, name }) => `${table} ${name}`)).toEqual([
      "proxy-set Foreign",
      "ip-group Florist",
      "account Florist/Florist",
    ]);
    expect(one?.adoption).toMatchObject({ variables: { CarrierUserName: "florist" } });
    expect(differencesOf(of, found)).toEqual(inSync);
    const gone = differencesOf(config(group("Florist")), found);
    expect(gone.conflicts).toEqual([expect.stringContaining("secret missing: CarrierUserPassword")]);
  });

  it("is one customer where a tenant's IP Groups are the two legs of the blueprint", () => {
    const of = config(group("Florist-c"), group("Florist-t", { "local-host-name": "oc2.example.com" }));
    const gateways = ["oc1.example.com", "oc2.example.com"];
    const found = plan(of, [], { blueprint: "oc-two-legs", gateways });
    expect(found.skipped).toEqual([]);
    expect(found.candidates).toMatchObject([
      { ipGroups: ["Florist-c", "Florist-t"], adoption: { shortName: "Florist", gateway: "oc2.example.com" } },
    ]);
    expect(differencesOf(of, found)).toEqual(inSync);
  });

  it("is a mapping's where it carries no tag, and then is not tagged", () => {
    const mapping = [{ ipGroup: "FLORIST", tenantId: tenant, fullName: "Florist Ltd", gateway: "OC1.example.com" }];
    const of = config(group("Florist", { tags: "Site=Berlin" }));
    const found = plan(of, mapping);
    expect(found.candidates).toMatchObject([
      { tagged: false, adoption: { shortName: "Florist", fullName: "Florist Ltd", gateway: "oc1.example.com" } },
    ]);
    expect(differencesOf(of, found)).toEqual(inSync);
  });

  it("is left alone where it names no tenant, and counted where it is linked", () => {
    const of = config(group("Nobody", { tags: "" }), group("Florist"));
    const [one] = plan(of).candidates;
    const links = one === undefined ? [] : [one.adoption];
    const again = planAdoption(of, links, [], { device, blueprint: blueprintNamed("oc-default") });
    expect(again).toEqual({ candidates: [], skipped: [], linked: 1, unnamed: 1 });
  });
});

describe("an IP Group is skipped", () => {
  const skipped: [string, Row[], MappedGroup[], string[]][] = [
    [
      "that is not active",
      [group("Florist", {}, { active: false })],
      [],
      ["Florist: ip-group 'Florist' is not active: complete or delete it on the device"],
    ],
    [
      "whose name stands twice",
      [group("Florist"), group("florist", { tags: `Trunk=${other}` })],
      [],
      [
        "Florist: ip-group 'Florist' stands 2 times on the device: delete all but one there",
        "florist: ip-group 'florist' stands 2 times on the device: delete all but one there",
      ],
    ],
    [
      "that the mapping gives to another tenant than its tag",
      [group("Florist")],
      [{ ipGroup: "Florist", tenantId: other }],
      [`Florist: its tag names tenant ${tenant}, the mapping names another`],
    ],
    [
      "whose tag is no tenant id",
      [group("Florist", { tags: "Trunk=17" })],
      [],
      ["Florist: its tag names no tenant id ('17')"],
    ],
    [
      "that the mapping names and the device has not",
      [],
      [{ ipGroup: "Florist", tenantId: tenant }],
      ["Florist: there is no such IP Group on the device"],
    ],
    [
      "of a tenant with another one",
      [group("Florist"), group("Florist_2")],
      [],
      ["Florist", "Florist_2"].map(
        (name) => `${name}: the tenant's IP Groups are 'Florist', 'Florist_2', but blueprint oc-default wants NAME`,
      ),
    ],
    [
      "of a tenant of whose others one is skipped",
      [group("Florist", {}, { active: false }), group("Florist_2")],
      [],
      [
        "Florist: ip-group 'Florist' is not active: complete or delete it on the device",
        "Florist_2: it is the same tenant's as IP Group 'Florist', which is skipped",
      ],
    ],
    [
      "whose Proxy Set is not there",
      [group("Florist", { "proxy-set-name": "Gone" })],
      [],
      ["Florist: ip-group 'Florist' refers to Proxy Set 'Gone', which is not on the device"],
    ],
    [
      "that has no Proxy Set",
      [group("Florist", { "proxy-set-name": "" })],
      [],
      ["Florist: it refers to no Proxy Set where the blueprint wants one"],
    ],
    [
      "for a gateway of another device",
      [group("Florist")],
      [{ ipGroup: "Florist", tenantId: tenant, gateway: "oc9.example.com" }],
      ["Florist: gateway 'oc9.example.com' of the mapping is none of device sbc1"],
    ],
  ];
  it.each(skipped)("%s", (_, rows, mapping, expected) => {
    const found = plan(config(...rows), mapping);
    expect(found.candidates).toEqual([]);
    expect(reasons(found)).toEqual(expected);
  });

  it("that is one leg alone of two", () => {
    const found = plan(config(group("Florist-c")), [], { blueprint: "oc-two-legs" });
    expect(reasons(found)).toEqual([
      "Florist-c: the tenant's IP Groups are 'Florist-c', but blueprint oc-two-legs wants NAME-c and NAME-t",
    ]);
  });

  it("whose gateway nobody says, on a device with several", () => {
    const found = plan(config(group("Florist")), [], { gateways: ["oc1.example.com", "oc2.example.com"] });
    expect(reasons(found)).toEqual([expect.stringContaining("device sbc1 has several gateways")]);
  });
});
