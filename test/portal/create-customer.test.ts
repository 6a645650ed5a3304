import { readFileSync } from "node:fs";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { byTenantId, canary, device, gateway, siptest4, startServer, tenant, tokenOf, unknownGuid } from "./server.ts";

type Json = Readonly<Record<string, unknown>>;
const withParameters = (more: Json): Json => ({
  ...siptest4,
  scriptParameters: { ...siptest4.scriptParameters, ...more },
});
const without = (body: Json, field: string): Json =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));

async function postTo(path: string, body: unknown) {
  const server = await startServer();
  const answer = await server.call("POST", path, { body });
  return { server, answer };
}

/** Posts a body that is refused, and sees that nothing of it was stored. Resolves with the errors, by field. */
async function refuse(body: unknown, status = 400): Promise<Record<string, string[]>> {
  const { server, answer } = await postTo("/api/v3/customer", body);
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  expect(server.accepted).toEqual([]);
  return (answer.body as { errors: Record<string, string[]> }).errors;
}

async function accept(body: unknown) {
  const { server, answer } = await postTo("/api/v3/customer", body);
  expect(answer.status, answer.text).toBe(200);
  const [conversion] = server.accepted;
  if (conversion === undefined) throw new Error("nothing was accepted");
  return conversion;
}

describe("create-customer", () => {
  it.each(["", "/tenantui"])("answers the reference's own example under '%s' with the id of a task", async (prefix) => {
    const example = readFileSync(new URL("../../config/examples/siptest4.json", import.meta.url), "utf8");
    const { server, answer } = await postTo(`${prefix}/api/v3/customer`, example);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ taskId: expect.stringMatching(/^wst_[0-9a-f-]{36}$/) as string });
    expect(server.accepted).toEqual([
      {
        tenantId: tenant,
        variant: "ip-group",
        shortName: "SIPTest4",
        fullName: "SIPTest4",
        gateway,
        proxySet: "SIPTrunk",
        variables: {},
        secrets: {},
        device,
      },
    ]);
  });

  it("by tenant id answers under both names that the pages give the id, and needs no device", async () => {
    const { server, answer } = await postTo("/api/v3/customer", byTenantId);
    const { taskId, jobId } = answer.body as { taskId: string; jobId: string };
    expect(taskId).toMatch(/^wst_/);
    expect(jobId).toBe(taskId);
    expect(server.accepted).toMatchObject([{ variant: "tenant", gateway: null, proxySet: null, device: null }]);
  });

  it("gives every request a task of its own", async () => {
    const server = await startServer();
    expect(await server.convert(siptest4)).not.toBe(await server.convert(siptest4));
  });
});

describe("the spelling of fields", () => {
  const named = (configurationName: string, shortName: string, fullName: string, msTenantId: string): Json => ({
    [configurationName]: siptest4.configurationName,
    [shortName]: "SIPTest4",
    [fullName]: "SIPTest4",
    [msTenantId]: tenant,
    scriptParameters: siptest4.scriptParameters,
  });
  it.each([
    named("configurationName", "customerShortName", "customerFullName", "msTenantId"),
    named("ConfigurationName", "shortName", "CustomerFulName", "msTenantID"),
    named("ConfigurationName", "CustomerShortName", "CustomerFullName", "MsTenantId"),
    named("configurationname", "SHORTNAME", "customerfulname", "mstenantid"),
    { ...siptest4, shortName: "SIPTest4", msTenantID: tenant },
    {
      ...without(siptest4, "scriptParameters"),
      ScriptParameters: { proxyset: "SIPTrunk", onlinePstnGateway: gateway },
    },
  ])("may be any of the pages': %j", async (body) => {
    expect(await accept(body)).toMatchObject({
      tenantId: tenant,
      shortName: "SIPTest4",
      gateway,
      proxySet: "SIPTrunk",
    });
  });

  it.each<[Json, string]>([
    [{ ...siptest4, shortName: "Other" }, "customerShortName"],
    [{ ...siptest4, msTenantID: unknownGuid }, "msTenantId"],
    [{ ...siptest4, CustomerFulName: "Other" }, "customerFullName"],
    [{ ...siptest4, ScriptParameters: { ProxySet: "Other" } }, "scriptParameters"],
    [withParameters({ proxySet: "Other" }), "scriptParameters.ProxySet"],
    [withParameters({ CarrierMailLine: "1", CarierMailLine: "2" }), "scriptParameters.CarrierMailLine"],
    [withParameters({ Custom: "1", custom: "2" }), "scriptParameters.Custom"],
  ])("twice with different values is refused: %j", async (body, field) => {
    expect(await refuse(body)).toEqual({ [field]: [expect.stringContaining("different values")] });
  });

  it("twice in the JSON text is refused even with one value", async () => {
    const text = JSON.stringify(siptest4).replace("{", '{"msTenantId":"' + tenant + '",');
    expect(Object.keys(await refuse(text))).toEqual(["msTenantId"]);
  });

  it("makes tenant and gateway lower case", async () => {
    const body = { ...withParameters({ OnlinePstnGateway: gateway.toUpperCase() }), msTenantId: tenant.toUpperCase() };
    expect(await accept(body)).toMatchObject({ tenantId: tenant, gateway, device });
  });
});

describe("a body that is refused", () => {
  it.each<[Json, string[]]>([
    [{}, ["configurationName", "customerFullName", "customerShortName", "msTenantId"]],
    [{ ...siptest4, configurationName: "OcEssential" }, ["configurationName"]],
    [
      { ...siptest4, configurationName: 1, customerShortName: 2, customerFullName: null, msTenantId: [] },
      ["configurationName", "customerFullName", "customerShortName", "msTenantId"],
    ],
    [{ ...siptest4, msTenantId: "f79a7f93" }, ["msTenantId"]],
    [{ ...siptest4, customerShortName: "x".repeat(1_001) }, ["customerShortName"]],
    [{ ...siptest4, surprise: 1, __proto__x: 2 }, ["__proto__x", "surprise"]],
    [{ ...siptest4, lcCustomerId: "1" }, ["lcCustomerId"]],
    [without(siptest4, "scriptParameters"), ["scriptParameters.OnlinePstnGateway", "scriptParameters.ProxySet"]],
    [
      { ...siptest4, customerShortName: 1, scriptParameters: {} },
      ["customerShortName", "scriptParameters.OnlinePstnGateway", "scriptParameters.ProxySet"],
    ],
    [
      { ...siptest4, scriptParameters: [] },
      ["scriptParameters", "scriptParameters.OnlinePstnGateway", "scriptParameters.ProxySet"],
    ],
    [
      { ...siptest4, scriptParameters: "ProxySet=SIPTrunk" },
      ["scriptParameters", "scriptParameters.OnlinePstnGateway", "scriptParameters.ProxySet"],
    ],
    [withParameters({ ProxySet: "" }), ["scriptParameters.ProxySet"]],
    [withParameters({ OnlinePstnGateway: "" }), ["scriptParameters.OnlinePstnGateway"]],
    [
      withParameters({ ProxySet: 5, CacProfile: true, Custom: null }),
      ["scriptParameters.CacProfile", "scriptParameters.Custom", "scriptParameters.ProxySet"],
    ],
    [withParameters({ ProxySet: "a\nb" }), ["scriptParameters.ProxySet"]],
    [withParameters({ Custom: "\u0000" }), ["scriptParameters.Custom"]],
    [withParameters({ "not a name": "x" }), ["scriptParameters.not a name"]],
    [{ ...byTenantId, scriptParameters: siptest4.scriptParameters }, ["scriptParameters"]],
    [{ ...siptest4, channelId: 5, ovocCustomerType: {} }, ["channelId", "ovocCustomerType"]],
    [{ ...siptest4, siteLocation: { sbcId: "8" } }, ["siteLocation.sbcId"]],
    [{ ...siptest4, siteLocation: [{}, {}] }, ["siteLocation"]],
    [{ ...siptest4, siteLocation: { surprise: 1 } }, ["siteLocation.surprise"]],
  ])("names every field that is wrong: %j", async (body, fields) => {
    expect(Object.keys(await refuse(body)).sort()).toEqual(fields);
  });

  it("may not bring a prototype along", async () => {
    expect(await refuse(JSON.stringify(siptest4).replace("{", '{"__proto__":{"x":1},'))).toHaveProperty([
      "['__proto__']",
    ]);
    expect(
      Object.keys(await refuse(JSON.stringify(siptest4).replace('"ProxySet"', '"__proto__":"x","ProxySet"'))),
    ).toEqual(["scriptParameters.__proto__"]);
  });

  it.each(["[]", "5", '"text"', "null", "true"])("may not be %s", async (text) => {
    expect(Object.keys(await refuse(text))).toContain("");
  });

  it("that is no JSON is told where it breaks, in problem details like Live Platform's", async () => {
    const { server, answer } = await postTo("/api/v3/customer", '{\n  "msTenantId": "x"\n  "shortName": 1}');
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      type: "https://tools.ietf.org/html/rfc7231#section-6.5.1",
      title: "One or more validation errors occurred.",
      status: 400,
      detail: "The request was refused and nothing was stored.",
      instance: "/api/v3/customer",
      errors: {
        msTenantId: [
          `After parsing a value an unexpected character was encountered: ". Path 'msTenantId', line 3, position 2.`,
        ],
      },
      traceId: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/) as string,
    });
    expect(server.accepted).toEqual([]);
  });

  it("that is not UTF-8 is refused", async () => {
    const server = await startServer();
    const answer = await fetch(`${server.url}/api/v3/customer`, {
      method: "POST",
      headers: { authorization: `Bearer ${tokenOf("client")}`, "content-type": "application/json" },
      // é in Latin-1, inside a string
      body: Buffer.from(JSON.stringify({ ...siptest4, customerFullName: "B\u00e9" }), "latin1"),
    });
    expect(answer.status).toBe(400);
    expect(server.accepted).toEqual([]);
  });

  it("may be absent no more than wrong", async () => {
    const server = await startServer();
    const answer = await server.call("POST", "/api/v3/customer", { headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(400);
  });

  it("of another type is refused by its type", async () => {
    const server = await startServer();
    const headers = { "content-type": "text/plain" };
    const answer = await server.call("POST", "/api/v3/customer", { body: JSON.stringify(siptest4), headers });
    expect(answer.status).toBe(415);
    expect(server.accepted).toEqual([]);
  });

  it("may have 64 KiB, and not one byte more", async () => {
    const padded = (size: number) => {
      const text = JSON.stringify(siptest4);
      return text + " ".repeat(size - text.length);
    };
    await accept(padded(65_536));
    const { server, answer } = await postTo("/api/v3/customer", padded(65_537));
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ status: 413, title: "Payload Too Large" });
    expect(server.accepted).toEqual([]);
  });

  it("keeps its values out of the answer", async () => {
    const server = await startServer();
    for (const body of [
      withParameters({ CarrierUserPassword: [canary], ProxySet: `${canary}\n` }),
      { ...siptest4, msTenantId: canary, configurationName: canary },
      `{"CarrierUserPassword":"${canary}" x`,
      withParameters({ CarrierUserPassword: canary, carrieruserpassword: "other" }),
    ]) {
      const answer = await server.call("POST", "/api/v3/customer", { body });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain(canary);
    }
    expect(JSON.stringify(server.log)).not.toContain(canary);
  });
});

describe("further parameters", () => {
  it("are parted into variables and secrets by the configured patterns, whatever their case", async () => {
    const conversion = await accept(
      withParameters({
        carrierusername: "alice",
        CarrierUserPassword: "one",
        "CustomVar.Variable1": "x",
        sipPASSWORD2: "two",
        clientSecretOfTrunk: "three",
      }),
    );
    expect(conversion.variables).toEqual({ CarrierUserName: "alice", "CustomVar.Variable1": "x" });
    expect(conversion.secrets).toEqual({
      CarrierUserPassword: "one",
      sipPASSWORD2: "two",
      clientSecretOfTrunk: "three",
    });
  });

  it("of the newer variant are kept as variables", async () => {
    const conversion = await accept({
      ...siptest4,
      channelId: "1574",
      ovocCustomerType: "IPGROUP_TYPE",
      siteLocation: [{ SiteLocationName: "Main", sbcId: 8, sbcOnboardingScript: null }],
    });
    expect(conversion.variables).toEqual({
      channelId: "1574",
      ovocCustomerType: "IPGROUP_TYPE",
      siteLocationName: "Main",
      sbcId: "8",
    });
  });
});

describe("names that break the rules", () => {
  it("are no refused request but the task's result", async () => {
    const server = await startServer();
    const taskId = await server.convert({ ...siptest4, customerShortName: "a-", customerFullName: "a&b" });
    const { body } = await server.call("GET", `/api/v2/task/${taskId}`);
    expect(body).toMatchObject({
      status: "CompletedFailed",
      details: ["Failed"],
      outputData: { umpCustomerGuid: null },
    });
    expect((body as { executionMessages: unknown[] }).executionMessages).toHaveLength(3);
  });
});

describe("any text at all", () => {
  const field = fc.constantFrom(
    ...Object.keys(siptest4),
    "shortName",
    "siteLocation",
    "channelId",
    "__proto__",
    "constructor",
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<unknown>(...Object.values(siptest4), { ProxySet: 1 }, { __proto__: null }),
  );
  const body = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .array(fc.tuple(field, value), { maxLength: 6 })
      .map(
        (members) =>
          `{${members.map(([name, content]) => `${JSON.stringify(name)}:${JSON.stringify(content)}`).join()}}`,
      ),
  );
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  test.prop([fc.array(body, { minLength: 150, maxLength: 150 })], { numRuns: 1 })(
    "is accepted or refused as a whole, and never fails the server",
    async (texts) => {
      server = await startServer();
      for (const path of ["/api/v3/customer", "/api/v2/oc/lead", "/api/agent/v1/plan", "/api/agent/v1/resync"])
        for (const text of texts) {
          const before = server.accepted.length;
          const answer = await server.call("POST", path, { body: text, token: tokenOf("admin") });
          expect([200, 400, 404], `${path} ${text} ${answer.text}`).toContain(answer.status);
          expect(server.accepted.length - before).toBe(path.includes("customer") && answer.status === 200 ? 1 : 0);
        }
    },
  );
});
