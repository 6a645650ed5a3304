import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, gatewayOf } from "./client.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

describe("the result of a task", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });
  afterAll(async () => {
    await rig.stop();
  });

  async function lead(): Promise<string> {
    const tenant = drawTenant();
    await rig.client.addLead(tenant);
    return tenant;
  }

  it("names every fault of the names in one task, and touches no device", async () => {
    const before = await statsOf(rig.mock);
    const { body } = await rig.client.ask("POST", "/api/v3/customer", {
      configurationName: "OcEssential_IPGROUP_TYPE",
      customerShortName: "SIPTest4-TooLong",
      customerFullName: "SIPTest4-",
      msTenantId: await lead(),
      scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: gatewayOf(0) },
    });
    const task = await rig.client.ended((body as { taskId: string }).taskId);
    expect(task).toMatchObject({
      status: "CompletedFailed",
      details: ["Failed"],
      outputData: { umpCustomerGuid: null },
    });
    expect(task.executionMessages).toEqual([
      { level: "Error", message: "'Customer Short Name' must be between 3 and 15 characters." },
      {
        level: "Error",
        message: "Customer Short Name contains invalid characters. Allowed characters: letters, numbers and '_'.",
      },
      {
        level: "Error",
        message:
          "Customer Full Name contains invalid characters. Allowed characters: letters, numbers, _, ' and space.",
      },
    ]);
    expect((await statsOf(rig.mock)).uploads).toBe(before.uploads);
  });

  it("says that there is no active lead in Live Platform's words", async () => {
    const task = await rig.client.ended(await rig.client.post("NoLead", drawTenant()));
    expect(task).toMatchObject({
      status: "CompletedFailed",
      details: ["ValidationFailed"],
      outputData: { umpCustomerGuid: null },
    });
    expect(task.executionMessages).toEqual([
      { level: "Error", message: "Validation failed: Empty or invalid customer lead ID" },
      { level: "Information", message: "Workflow completed." },
    ]);
  });

  it("is a success without a customer for a tenant that is converted already, and nothing is written again", async () => {
    const tenant = await lead();
    const first = await rig.client.ended(await rig.client.post("Twice1", tenant));
    expect(first.details).toEqual(["Converted"]);
    const before = await statsOf(rig.mock);
    const second = await rig.client.ended(await rig.client.post("Twice2", tenant.toUpperCase()));
    expect(second).toMatchObject({
      status: "CompletedSuccess",
      details: ["CustomerAlreadyConverted"],
      executionMessages: [{ level: "Warning", message: "Undo Lead to OcBasic conversion in database!" }],
      outputData: { umpCustomerGuid: null },
    });
    expect((await statsOf(rig.mock)).uploads).toBe(before.uploads);
  });

  it("of two posts for one tenant at once: one is converted, the other ends as already converted", async () => {
    const tenant = await lead();
    const ids = await Promise.all([rig.client.post("AtOnce", tenant), rig.client.post("AtOnce", tenant)]);
    const tasks = await Promise.all(ids.map((id) => rig.client.ended(id)));
    expect(tasks.map(({ details }) => details[0]).sort()).toEqual(["Converted", "CustomerAlreadyConverted"]);
    const groups = (await stateOf(rig.mock)).running["IPGroup"] ?? [];
    expect(groups.filter(({ fields }) => fields["Name"] === "AtOnce")).toHaveLength(1);
  });

  it("names the holder when another customer has the short name on the same device, in any case", async () => {
    await rig.client.ended(await rig.client.post("Holder", await lead()));
    const task = await rig.client.ended(await rig.client.post("HOLDER", await lead()));
    expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
    expect(task.executionMessages[0]?.message).toContain("Holder");
    expect(task.executionMessages[0]?.message).toContain("sbc0");
  });

  it("names a gateway that no device has", async () => {
    const task = await rig.client.ended(await rig.client.post("NoGateway", await lead(), 99));
    expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
    expect(task.executionMessages[0]?.message).toContain(gatewayOf(99));
  });

  it("names a Proxy Set that is neither on the device nor among the carriers", async () => {
    const task = await rig.client.ended(await rig.client.post("NoCarrier", await lead(), 0, { ProxySet: "Nowhere" }));
    expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
    expect(task.executionMessages[0]?.message).toContain("'Nowhere'");
    expect(named((await stateOf(rig.mock)).running["IPGroup"], "Name").has("NoCarrier")).toBe(false);
  });

  it("carries the device's words when it refuses, and nothing of the customer stays there", async () => {
    await control(rig.mock, "POST", "/faults", { name: "reject-line", match: "proxy-set-name", times: 2 });
    const task = await rig.client.ended(await rig.client.post("Refused", await lead()));
    await control(rig.mock, "DELETE", "/faults");
    expect(task).toMatchObject({
      status: "CompletedFailed",
      details: ["Failed"],
      outputData: { umpCustomerGuid: null },
    });
    expect(task.executionMessages[0]?.message).toMatch(/'Refused'.*sbc0.*refused/);
    const state = await stateOf(rig.mock);
    expect(JSON.stringify(state.running["IPGroup"])).not.toContain("Refused");
    expect(state.saveNeeded).toBe(false);
    expect(state.running).toEqual(state.startup);
  });

  it("makes an Account for a customer that registers, and keeps its password out of every answer", async () => {
    const parameters = {
      CarrierUserName: "user4711",
      CarrierUserPassword: "canary-secret-77",
      CarrierHostName: "registrar.example",
    };
    const task = await rig.client.ended(await rig.client.post("Registers", await lead(), 0, parameters));
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    const account = named((await stateOf(rig.mock)).running["Account"], "ServedIPGroupName").get("Registers");
    expect(account).toMatchObject({
      active: true,
      fields: { ServingIPGroupName: "Registers", HostName: "registrar.example" },
    });
    expect(JSON.stringify(task)).not.toContain("canary-secret-77");
    const { body } = await rig.client.ask(
      "GET",
      `/api/v3/customer/${task.outputData.umpCustomerGuid ?? ""}?allDetails=true`,
    );
    expect(JSON.stringify(body)).not.toContain("canary-secret-77");
    expect(await rig.client.resync({ customer: "Registers" })).toMatchObject({
      devices: [{ result: "in-sync", writes: 0, saves: 0 }],
    });
  });

  it("by tenant id needs no device", async () => {
    const tenant = await lead();
    const { body } = await rig.client.ask("POST", "/api/v3/customer", {
      configurationName: "OcEssential_TENANT_TYPE",
      customerShortName: "ByTenant",
      customerFullName: "ByTenant",
      msTenantID: tenant,
    });
    const task = await rig.client.ended((body as { taskId: string }).taskId);
    expect(task).toMatchObject({ status: "CompletedSuccess", details: ["Converted"] });
    expect(task.executionMessages.some(({ message }) => message.includes("sbc-onboarding"))).toBe(false);
  });
});

describe("a conversion for a device that does not answer", () => {
  it("stays in progress, says why, and ends at its deadline when nothing was ever sent", async () => {
    const rig = await startRig({ overrides: { run: { conversionDeadline: "1s", retryMinMs: 50, retryMaxMs: 100 } } });
    try {
      await rig.mock.stop();
      const tenant = drawTenant();
      await rig.client.addLead(tenant);
      const id = await rig.client.post("Unreached", tenant);
      const waiting = await eventually(
        () => rig.client.task(id),
        ({ executionMessages }) => executionMessages.length > 1,
        (t) => JSON.stringify(t),
      );
      expect(waiting).toMatchObject({ status: "InProgress", details: [] });
      const task = await rig.client.ended(id);
      expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
      expect(task.executionMessages.at(-1)?.message).toMatch(/'Unreached'.*sbc0.*deadline/);
    } finally {
      await rig.stop();
    }
  });
});
