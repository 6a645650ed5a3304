import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBlueprint } from "../../agent/provisioning/blueprint.ts";
import { renderIntent, type RenderContext, type Subject } from "../../agent/provisioning/render-intent.ts";
import { blueprintNamed, carrier, device, emptyDevice, intentOf, registering, subjectOf } from "./customers.ts";

const oneLeg = blueprintNamed("oc-default");
const twoLegs = blueprintNamed("oc-two-legs");
const sipTest4 = subjectOf("SIPTest4", { tenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3" });

/** The Proxy Sets of a device, by name. */
function holding(...sets: { name: string; srd?: string }[]): RenderContext["proxySet"] {
  return (name) => {
    const found = sets.find((set) => set.name.toLowerCase() === name.toLowerCase());
    return found === undefined ? undefined : { name: found.name, srd: found.srd };
  };
}

function refusalsOf(subject: Subject, context: Partial<RenderContext> = {}, blueprint = oneLeg): string[] {
  const rendering = renderIntent(blueprint, subject, { ...emptyDevice, ...context });
  return "refused" in rendering ? rendering.refused : [];
}

/** `table name` of each row, and the fields of the one that was asked for. */
const namesOf = (intent: ReturnType<typeof intentOf>): string[] => intent.rows.map((r) => `${r.table} ${r.name}`);
const fieldsOf = (intent: ReturnType<typeof intentOf>, table: string, name: string) =>
  intent.rows.find((r) => r.table === table && r.name === name)?.fields;

describe("the default blueprint", () => {
  it("renders the documented example", () => {
    const example: unknown = JSON.parse(readFileSync("config/examples/siptest4.json", "utf8"));
    expect(example).toMatchObject({ customerShortName: sipTest4.shortName, msTenantId: sipTest4.tenantId });
    expect(intentOf(sipTest4).rows).toMatchObject([
      {
        table: "proxy-set",
        name: "SIPTrunk",
        role: "shared",
        fields: { "proxy-name": "SIPTrunk", "srd-name": "DefaultSRD", "sbcipv4-sip-int-name": "SIF_WAN" },
      },
      {
        table: "ip-group",
        name: "SIPTest4",
        role: "own",
        fields: {
          tags: "Trunk=f79a7f93-5ef7-47d2-92c8-e4570503cec3",
          name: "SIPTest4",
          "proxy-set-name": "SIPTrunk",
          "srd-name": "DefaultSRD",
          "media-realm-name": "MR_WAN",
          "ip-profile-name": "IPP_Trunk",
          "classify-by-proxy-set": "disable",
        },
      },
    ]);
  });

  it("gives the Proxy Set the carrier's addresses", () => {
    expect(intentOf(sipTest4).rows[0]?.children.map(({ fields }) => fields)).toEqual([
      { "proxy-address": "198.51.100.10", "transport-type": "udp" },
      { "proxy-address": "198.51.100.11", "transport-type": "udp" },
    ]);
  });

  it("adds an Account for a trunk that registers, and keeps the password out of the intent", () => {
    const intent = intentOf({ ...sipTest4, ...registering });
    expect(intent.rows[2]).toMatchObject({
      table: "account",
      name: "SIPTest4/SIPTest4",
      fields: { "user-name": "user1", "host-name": "reg.example.net", "contact-user": "line1", register: "reg" },
      secretFields: { password: "CarrierUserPassword" },
    });
    expect(JSON.stringify(intent)).not.toContain(registering.secrets.CarrierUserPassword);
  });

  it("gives the Proxy Set no other name than the carrier's, whatever its fields say", () => {
    const carriers = [{ ...carrier("SIPTrunk", "198.51.100.10"), fields: { "proxy-name": "Other" } }];
    const intent = intentOf(sipTest4, { carriers });
    expect(intent.rows[0]).toMatchObject({ name: "SIPTrunk", fields: { "proxy-name": "SIPTrunk" } });
    expect(fieldsOf(intent, "ip-group", "SIPTest4")).toMatchObject({ "proxy-set-name": "SIPTrunk" });
  });

  it("classifies by the Proxy Set of a carrier that is not shared", () => {
    const carriers = [{ ...carrier("SIPTrunk", "198.51.100.10"), shared: false }];
    const intent = intentOf(sipTest4, { carriers });
    expect(fieldsOf(intent, "ip-group", "SIPTest4")).toMatchObject({ "classify-by-proxy-set": "enable" });
  });

  it("leaves out fields of optional variables that are not given", () => {
    const bare = intentOf(sipTest4, { device: { ...device, defaults: { srd: "DefaultSRD" } } });
    expect(fieldsOf(bare, "ip-group", "SIPTest4")).not.toHaveProperty("media-realm-name");
  });

  it("leaves out the tags on a device that has none", () => {
    const intent = intentOf(sipTest4, { device: { ...device, withoutTags: true } });
    expect(fieldsOf(intent, "ip-group", "SIPTest4")).not.toHaveProperty("tags");
  });
});

describe("the blueprint of two legs", () => {
  it("makes one IP Group towards the carrier and one towards Teams", () => {
    const intent = intentOf(sipTest4, {}, twoLegs);
    expect(namesOf(intent)).toEqual([
      "proxy-set SIPTrunk",
      "proxy-set Teams-OC",
      "ip-group SIPTest4-c",
      "ip-group SIPTest4-t",
    ]);
    expect(fieldsOf(intent, "ip-group", "SIPTest4-t")).toMatchObject({
      "proxy-set-name": "Teams-OC",
      "local-host-name": "oc1.example.net",
    });
  });

  it("refers to the Teams Proxy Set that the device's settings name", () => {
    const settings = { ...device, defaults: { ...device.defaults, teamsProxySet: "Teams-EU" } };
    const intent = intentOf(sipTest4, { device: settings, proxySet: holding({ name: "Teams-EU", srd: "S" }) }, twoLegs);
    expect(fieldsOf(intent, "ip-group", "SIPTest4-t")).toMatchObject({ "proxy-set-name": "Teams-EU", "srd-name": "S" });
  });

  it("lets the Account serve the carrier's leg", () => {
    const intent = intentOf({ ...sipTest4, ...registering }, {}, twoLegs);
    expect(namesOf(intent)).toContain("account SIPTest4-c/SIPTest4-c");
  });
});

describe("a Proxy Set that the device has", () => {
  it("is referred to in the device's spelling and lends its SRD", () => {
    const intent = intentOf(sipTest4, { proxySet: holding({ name: "SipTRUNK", srd: "SRD_2" }) });
    expect(namesOf(intent)[0]).toBe("proxy-set SipTRUNK");
    expect(fieldsOf(intent, "ip-group", "SIPTest4")).toMatchObject({
      "proxy-set-name": "SipTRUNK",
      "srd-name": "SRD_2",
    });
  });

  it("needs no carrier", () => {
    const context = { carriers: [], proxySet: holding({ name: "SIPTrunk", srd: "SRD_2" }) };
    expect(intentOf(sipTest4, context).rows[0]).toMatchObject({ fields: { "proxy-name": "SIPTrunk" }, children: [] });
  });
});

describe("a conversion is refused", () => {
  const nameless = parseBlueprint(
    "name: x\ndescription: x\nrows:\n  - { table: ip-group, fields: { name: '{{shortName}}', sip-group-name: '{{CustomVar.host}}' } }",
    "x.yaml",
  );
  it("for a variable that is not given, by its name", () => {
    expect(refusalsOf(sipTest4, {}, nameless)).toEqual(["variable 'CustomVar.host' is not given"]);
  });

  it("for a Proxy Set that is neither on the device nor among the carriers", () => {
    expect(refusalsOf({ ...sipTest4, proxySet: "Nowhere" })).toEqual([
      expect.stringMatching(/'Nowhere' is neither on device sbc1 nor among the carriers/),
    ]);
  });

  it.each([
    ["name", { shortName: 'a"b' }],
    ["name", { shortName: "a\nb" }],
    ["name", { shortName: "a/b" }],
    ["name", { shortName: "" }],
    ["name", { shortName: "x".repeat(41) }],
    ["tags", { tenantId: "a;b;c;d;e;f" }],
    ["sip-group-name", { variables: { CarrierHostName: "ümlaut" } }],
    ["user-name", { ...registering, variables: { CarrierUserName: "back\\slash" } }],
    ["password", { ...registering, secrets: { CarrierUserPassword: "$1$obscured" } }],
  ])("for a value that the grammar of %s refuses, by the field's name", (field, more) => {
    expect(refusalsOf({ ...sipTest4, ...more }).join("\n")).toContain(`field '${field}' of `);
  });

  it("without a word of the secret that was refused", () => {
    const refused = refusalsOf({ ...sipTest4, ...registering, secrets: { CarrierUserPassword: 'hunter"2' } });
    expect(refused.join("\n")).not.toContain("hunter");
  });

  it("with all reasons at once", () => {
    const bad = { ...sipTest4, shortName: 'a"b', variables: { CarrierHostName: "\u0007" } };
    expect(refusalsOf(bad).length).toBe(2);
  });

  it("for a secret that would stand in a plain field", () => {
    expect(refusalsOf({ ...sipTest4, secrets: { CarrierHostName: "s3cret" } })).toEqual([
      expect.stringContaining("is a secret and may fill secret fields only"),
    ]);
  });

  it("for a plain variable that would stand in a secret field", () => {
    const plain = { ...registering.variables, CarrierUserPassword: "open" };
    expect(refusalsOf({ ...sipTest4, variables: plain })).toEqual([
      expect.stringContaining("'CarrierUserPassword' fills a secret field but is not among secretVariables"),
    ]);
  });

  it("for an Account without a password", () => {
    expect(refusalsOf({ ...sipTest4, variables: registering.variables })).toEqual([
      "secret variable 'CarrierUserPassword' is not given",
    ]);
  });

  it("for a carrier's field that its table does not have", () => {
    const carriers = [{ ...carrier("SIPTrunk", "198.51.100.10"), fields: { colour: "red" } }];
    expect(refusalsOf(sipTest4, { carriers })).toEqual(["proxy-set: there is no field 'colour'"]);
  });
});

describe("a customer's variables", () => {
  const reaching = { "device.mediaRealm": "MR_EVIL", "trunk.proxy-name": "Evil", "trunk.classify": "enable" };
  it.each(Object.entries(reaching))("cannot stand for %s", (name, value) => {
    const bare = { ...device, defaults: { srd: "DefaultSRD" } };
    const plain = intentOf(sipTest4, { device: bare });
    expect(intentOf({ ...sipTest4, variables: { [name]: value } }, { device: bare })).toEqual(plain);
  });

  it.each(["shortName", "msTenantId", "gateway", "ProxySet", "OnlinePstnGateway", "fullName"])(
    "cannot stand for %s",
    (name) => {
      expect(intentOf({ ...sipTest4, variables: { [name]: "Evil" } })).toEqual(intentOf(sipTest4));
    },
  );
});

describe("any text", () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("None", "any", "{{device.srd}}"));
  const blueprint = parseBlueprint(
    [
      "name: x\ndescription: x\nrows:",
      "  - { table: proxy-set, id: trunk, shared: true, fields: { proxy-name: '{{ProxySet}}' } }",
      "  - table: ip-group",
      "    fields:",
      "      { name: '{{shortName}}', sip-group-name: '{{fullName}}', contact-user: '{{CustomVar.a}}', local-host-name: '{{gateway}}' }",
    ].join("\n"),
    "x.yaml",
  );

  it("is refused, or stands in its own field of the intent and unchanged", () => {
    fc.assert(
      fc.property(text, text, text, text, text, (shortName, fullName, gateway, proxySet, value) => {
        const variables = { "CustomVar.a": value };
        const subject = subjectOf(shortName, { fullName, gateway, proxySet, variables });
        const rendering = renderIntent(blueprint, subject, {
          ...emptyDevice,
          carriers: [carrier(proxySet, "192.0.2.1")],
        });
        if ("refused" in rendering) return rendering.refused.length > 0;
        expect(rendering.intent.rows[0]?.fields["proxy-name"]).toBe(proxySet);
        expect(rendering.intent.rows[1]?.fields).toEqual({
          name: shortName,
          "sip-group-name": fullName,
          "contact-user": value,
          "local-host-name": gateway,
        });
        return true;
      }),
      { numRuns: 500 },
    );
  });

  it("as a variable's name changes nothing that the blueprint does not ask for", () => {
    fc.assert(
      fc.property(text, text, (name, value) => {
        fc.pre(!name.startsWith("Carrier"));
        expect(intentOf({ ...sipTest4, variables: { [name]: value } })).toEqual(intentOf(sipTest4));
      }),
    );
  });
});
