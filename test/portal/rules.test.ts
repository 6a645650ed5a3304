import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { judge } from "../../agent/portal/rules.ts";
import type { Customer, Lead } from "../../agent/store/model.ts";
import type { Facts, NewConversion, Verdict } from "../../agent/store/judgement.ts";
import { device, gateway, tenant, unknownGuid } from "./server.ts";

const conversion: NewConversion = {
  tenantId: tenant,
  variant: "ip-group",
  shortName: "SIPTest4",
  fullName: "SIPTest4",
  gateway,
  proxySet: "SIPTrunk",
  variables: {},
  secrets: {},
  device,
};
const lead: Lead = {
  id: unknownGuid,
  tenantId: tenant,
  companyName: "SIPTest",
  status: "Active",
  consentless: true,
  createdAt: 0,
  modifiedAt: 0,
  umpCustomerGuid: null,
};
const customer: Customer = { guid: unknownGuid, tenantId: tenant, shortName: "Old", fullName: "Old", convertedAt: 0 };
const clean: Facts = {
  lead,
  customer: undefined,
  older: undefined,
  leaving: undefined,
  nameHolder: undefined,
  gatewayAwaited: false,
};
const crowded: Facts = {
  lead: undefined,
  customer,
  older: { taskId: "wst_older" },
  leaving: undefined,
  nameHolder: { shortName: "sipTEST4", tenantId: unknownGuid },
  gatewayAwaited: false,
};

const length = "'Customer Short Name' must be between 3 and 15 characters.";
const shortCharacters =
  "Customer Short Name contains invalid characters. Allowed characters: letters, numbers and '_'.";
const fullCharacters =
  "Customer Full Name contains invalid characters. Allowed characters: letters, numbers, _, ' and space.";

const errorsOf = (verdict: Verdict): string[] => {
  if (verdict.kind !== "failed") return [];
  expect(verdict.details).toEqual(["Failed"]);
  return verdict.messages.map(({ level, message }) => {
    expect(level).toBe("Error");
    return message;
  });
};

describe("names", () => {
  it.each<[string, string, string[]]>([
    ["SIPTest4", "Walter's Tenant_2", []],
    ["abc", "x", []],
    ["ABCDEFGHIJKLMNO", "a".repeat(200), []],
    ["ab", "x", [length]],
    ["", "x", [length]],
    ["ABCDEFGHIJKLMNOP", "x", [length]],
    ["SIPTest4-", "SIPTest4-", [shortCharacters, fullCharacters]],
    ["a.", "x", [length, shortCharacters]],
    ["Bér", "x", [shortCharacters]],
    ["has space", "has space", [shortCharacters]],
    ["abc\n", "x\n", [shortCharacters, fullCharacters]],
    ["SIPTest4", "", ["'Customer Full Name' must be between 1 and 200 characters."]],
    ["SIPTest4", "a".repeat(201), ["'Customer Full Name' must be between 1 and 200 characters."]],
    ["SIPTest4", "qa-int-GolanCDX&-!", [fullCharacters]],
  ])("%j with %j: each broken rule is told, in Live Platform's words", (shortName, fullName, errors) => {
    expect(errorsOf(judge({ ...conversion, shortName, fullName }, clean))).toEqual(errors);
  });

  test.prop([fc.string({ unit: "binary", maxLength: 20 })])(
    "are taken exactly if the grammar takes them",
    (shortName) => {
      const taken = judge({ ...conversion, shortName }, clean).kind === "device";
      expect(taken).toBe(/^[A-Za-z0-9_]{3,15}$/.test(shortName));
    },
  );
});

describe("the order of the rules", () => {
  it("puts broken names first", () => {
    expect(errorsOf(judge({ ...conversion, shortName: "a", device: null }, crowded))).toEqual([length]);
  });

  it("then a tenant that is a customer already", () => {
    expect(judge({ ...conversion, device: null }, crowded)).toEqual({
      kind: "already-converted",
      messages: [{ level: "Warning", message: "Undo Lead to OcBasic conversion in database!" }],
    });
  });

  it("then an older conversion of the tenant, naming its task", () => {
    const verdict = judge({ ...conversion, device: null }, { ...crowded, customer: undefined });
    expect(verdict).toMatchObject({ kind: "wait", message: { level: "Information" } });
    expect(JSON.stringify(verdict)).toContain("wst_older");
  });

  it("then, for a customer that is being removed, the task that does it", () => {
    const leaving = { taskId: "tsk_7" };
    const verdict = judge({ ...conversion, device: null }, { ...crowded, older: undefined, leaving });
    expect(verdict).toMatchObject({ kind: "wait", message: { level: "Information" } });
    expect(JSON.stringify(verdict)).toContain("tsk_7");
    expect(JSON.stringify(judge(conversion, { ...crowded, leaving }))).toContain("wst_older");
  });

  it.each([undefined, "Removed", "Not Active", ""])("then a lead whose status is %j", (status) => {
    const facts = { ...crowded, customer: undefined, older: undefined };
    expect(
      judge({ ...conversion, device: null }, status === undefined ? facts : { ...facts, lead: { ...lead, status } }),
    ).toEqual({
      kind: "failed",
      details: ["ValidationFailed"],
      messages: [
        { level: "Error", message: "Validation failed: Empty or invalid customer lead ID" },
        { level: "Information", message: "Workflow completed." },
      ],
    });
  });

  it("then a gateway that no device has, naming customer, gateway and what to do", () => {
    const [message, ...others] = errorsOf(
      judge({ ...conversion, device: null }, { ...clean, nameHolder: crowded.nameHolder }),
    );
    expect(others).toEqual([]);
    for (const part of ["SIPTest4", gateway, "OnlinePstnGateway"]) expect(message).toContain(part);
  });

  it("or one that an agent may yet announce, saying who waits for which gateway", () => {
    const verdict = judge({ ...conversion, device: null }, { ...clean, gatewayAwaited: true });
    expect(verdict).toMatchObject({ kind: "unplaced", message: { level: "Information" } });
    for (const part of ["SIPTest4", gateway, "agent"]) expect(JSON.stringify(verdict)).toContain(part);
  });

  it.each<[string, Partial<NewConversion>, Partial<Facts>, Verdict["kind"]]>([
    ["a broken name", { shortName: "a" }, {}, "failed"],
    ["a customer", {}, { customer }, "already-converted"],
    ["an older conversion", {}, { older: { taskId: "wst_older" } }, "wait"],
    ["a missing lead", {}, { lead: undefined }, "failed"],
    ["a conversion by tenant id", { variant: "tenant", gateway: null, proxySet: null }, {}, "site"],
    ["a device that the inventory has", { device }, {}, "device"],
  ])("lets no gateway that is awaited hide %s", (_, changes, facts, kind) => {
    const verdict = judge({ ...conversion, device: null, ...changes }, { ...clean, gatewayAwaited: true, ...facts });
    expect(verdict.kind).toBe(kind);
  });

  it("then a short name that is held, naming holder, device and what to do", () => {
    const [message, ...others] = errorsOf(judge(conversion, { ...clean, nameHolder: crowded.nameHolder }));
    expect(others).toEqual([]);
    for (const part of ["sipTEST4", unknownGuid, device, "customerShortName"]) expect(message).toContain(part);
  });

  it("and then sends an IP Group to its device, saying for which it waits", () => {
    expect(judge(conversion, clean)).toEqual({
      kind: "device",
      message: { level: "Information", message: `Accepted; waiting for device ${device}.` },
    });
  });

  it("and a conversion by tenant id straight to its site, whoever holds the name", () => {
    const tenantId: NewConversion = { ...conversion, variant: "tenant", gateway: null, proxySet: null, device: null };
    expect(judge(tenantId, { ...clean, nameHolder: crowded.nameHolder })).toEqual({ kind: "site" });
  });

  it("takes a lead's status in any case", () => {
    expect(judge(conversion, { ...clean, lead: { ...lead, status: "ACTIVE" } }).kind).toBe("device");
  });
});
