import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { Driver, DriverOptions, Step } from "../../drivers/driver.ts";
import type { DriverErrorCode } from "../../drivers/errors.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { FakeDevice, Handler } from "./fake-device.ts";
import { faultOf, json, never, openDriver, password, startFakeDevice, startTcp, text } from "./fake-device.ts";

let device: FakeDevice | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await device?.close();
});

const account: Step = {
  kind: "create",
  table: "account",
  index: 1,
  fields: { "served-ip-group-name": "A", "serving-ip-group-name": "B", password: "s3cret-trunk" },
};

/** A driver whose device answers status calls until one came back, and everything after that with the handler. */
async function open(handler: Handler, more: Partial<DriverOptions> = {}): Promise<Driver> {
  let ready = false;
  device = await startFakeDevice((request, response, body) => {
    if (ready) handler(request, response, body);
    else json(response, 200, { versionID: "7.40A.250.440" });
  });
  driver = openDriver(device.address, more);
  // Short deadlines are meant for what comes after: a busy machine may miss them here.
  while (!ready) ready = await driver.status(never).then(() => true, isTimeout);
  return driver;
}

function isTimeout(error: unknown): false {
  if (error instanceof DriverError && error.code === "timeout") return false;
  throw error;
}

type Call = "status" | "read" | "apply" | "save" | "backup";

async function callOn(one: Driver, call: Call, signal = never): Promise<unknown> {
  return call === "apply" ? one.apply([account], signal) : one[call](signal);
}

const answering =
  (status: number, body = ""): Handler =>
  (_request, response) =>
    text(response, status, body);
const short = { connectMs: 5_000, requestMs: 60, writeMs: 60, saveMs: 60 };

describe("what an HTTP status becomes", () => {
  const rows: [number, DriverErrorCode, boolean][] = [
    [400, "rejected", true],
    [401, "auth", false],
    [403, "forbidden", false],
    [404, "unsupported", false],
    [405, "forbidden", false],
    [409, "busy", false],
    [429, "busy", false],
    [418, "rejected", true],
    [500, "protocol", true],
    [503, "protocol", true],
    [204, "protocol", true],
    [302, "protocol", true],
  ];
  it.each(rows)("%i is %s (a write may have acted: %s)", async (status, code, mayHaveActed) => {
    const one = await open(answering(status, '{"description":"the device says so"}'));
    for (const call of ["status", "read", "backup", "apply", "save"] as const) {
      const fault = await faultOf(callOn(one, call));
      expect({ call, code: fault.code, mayHaveActed: fault.mayHaveActed }).toEqual({
        call,
        code,
        mayHaveActed: mayHaveActed && (call === "apply" || call === "save"),
      });
      expect(fault.message).toContain("edge-1");
      expect(fault.message).toContain(String(status));
      if (status !== 204) expect(fault.deviceText).toBe("the device says so");
    }
  });

  it("sends a write once, whatever comes back", async () => {
    for (const status of [400, 409, 500]) {
      const one = await open(answering(status));
      await faultOf(callOn(one, "apply"));
      expect(device?.requests.filter((request) => request.method === "PUT")).toHaveLength(1);
      await one.close();
      await device?.close();
    }
  });

  it("does not follow redirects", async () => {
    const elsewhere = await startFakeDevice((_request, response) => json(response, 200, {}));
    const one = await open((_request, response) => {
      response.writeHead(307, { Location: `${elsewhere.address}/api/v1/status`, "Content-Length": 0 }).end();
    });
    for (const call of ["status", "read", "apply", "save"] as const)
      expect((await faultOf(callOn(one, call))).code).toBe("protocol");
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });
});

describe("what the answer to a script becomes", () => {
  const taken = [
    { description: "Incremental CLI Script file was loaded.", output: "" },
    { status: "success", output: "Done\r\nNote: Changes to this parameter will take effect\r\n" },
    { status: " SUCCESS " },
    { output: 'configure voip\r\n name "Invalid GmbH"\r\n no errors\r\n' },
  ];
  it.each(taken)("takes %j", async (answer) => {
    const one = await open((_request, response) => json(response, 200, answer));
    expect((await one.apply([account], never)).output).toBe("output" in answer ? answer.output : "");
  });

  const refused = [
    { status: "failed", output: "no such SRD" },
    { status: "Failure", description: "no such SRD" },
    { status: false, output: "no such SRD" },
    { status: "success", output: "ok\r\nInvalid command: no such SRD\r\nok" },
    { output: "% no such SRD" },
    { output: "  ERROR: no such SRD" },
    { output: "ok\nUnknown name, no such SRD" },
    { output: "Unrecognized word, no such SRD" },
    { output: "Incomplete command, no such SRD" },
  ];
  it.each(refused)("rejects %j and keeps the device's words", async (answer) => {
    const one = await open((_request, response) => json(response, 200, answer));
    const fault = await faultOf(one.apply([account], never));
    expect(fault).toMatchObject({ code: "rejected", mayHaveActed: true });
    expect(fault.deviceText).toContain("no such SRD");
  });

  it("looks for other words when it is told to", async () => {
    const one = await open((_request, response) => json(response, 200, { output: "Zeile 3: abgelehnt" }), {
      refusedLine: /abgelehnt/,
    });
    expect(await faultOf(one.apply([account], never))).toMatchObject({ code: "rejected" });
  });

  it.each(["", "not JSON", "[]", "null", '"success"', '{"status":"succ'])("does not understand %j", async (body) => {
    const one = await open(answering(200, body));
    expect(await faultOf(one.apply([account], never))).toMatchObject({ code: "protocol", mayHaveActed: true });
    expect(await faultOf(one.status(never))).toMatchObject({ code: "protocol", mayHaveActed: false });
  });
});

describe("what a broken connection becomes", () => {
  const breaks: [string, Handler][] = [
    ["is cut before the answer", (request) => request.socket.destroy()],
    [
      "is cut within the answer",
      (request, response) => {
        response.writeHead(200, { "Content-Length": 1_000 }).write("{", () => request.socket.destroy());
      },
    ],
    [
      "is cut within a chunked answer",
      (request, response) => {
        response.writeHead(200).write("{", () => request.socket.destroy());
      },
    ],
  ];
  it.each(breaks)("unreachable when it %s; a write may have acted", async (_what, handler) => {
    const one = await open(handler);
    for (const call of ["read", "apply", "save"] as const) {
      const fault = await faultOf(callOn(one, call));
      expect(fault.code).toBe("unreachable");
      expect(fault.mayHaveActed).toBe(call !== "read");
    }
  });

  it("unreachable when nobody listens; a write has certainly not acted", async () => {
    const one = await open(answering(200));
    const { address } = device ?? { address: "" };
    await device?.close();
    for (const call of ["status", "apply", "save"] as const) {
      const fault = await faultOf(callOn(one, call));
      expect(fault).toMatchObject({ code: "unreachable", mayHaveActed: false });
      expect(fault.message).toContain(address.replace("https://", ""));
    }
  });

  it("unreachable when the name is unknown", async () => {
    driver = openDriver("https://no-such-device.invalid");
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable", mayHaveActed: false });
  });

  it("unreachable when TLS is not completed in time", async () => {
    const silent = await startTcp();
    driver = openDriver(`https://127.0.0.1:${silent.port}`, {
      deadlines: { ...short, connectMs: 40, requestMs: 5_000 },
    });
    const fault = await faultOf(driver.status(never));
    expect(fault).toMatchObject({ code: "unreachable", mayHaveActed: false });
    expect(fault.message).toContain("40 ms");
    await silent.close();
  });

  it("unreachable when the other side does not speak TLS", async () => {
    const plain = await startTcp((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    driver = openDriver(`https://127.0.0.1:${plain.port}`);
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable", mayHaveActed: false });
    await plain.close();
  });

  it("protocol when the answer is not HTTP", async () => {
    const one = await open((request) => request.socket.end("SSH-2.0-AudioCodes\r\n"));
    expect(await faultOf(one.apply([account], never))).toMatchObject({ code: "protocol", mayHaveActed: true });
  });

  it("protocol when the answer is compressed unasked", async () => {
    const one = await open((_request, response) => {
      response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": 2 }).end("{}");
    });
    expect(await faultOf(one.status(never))).toMatchObject({ code: "protocol" });
  });

  it("protocol when the answer does not end", async () => {
    const one = await open(
      (_request, response) => {
        const block = Buffer.alloc(8 * 1024 * 1024, 0x20);
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed && response.write(block));
        };
        response.on("drain", more);
        more();
      },
      { deadlines: { ...short, requestMs: 20_000 } },
    );
    expect(await faultOf(one.status(never))).toMatchObject({ code: "protocol" });
  });
});

describe("deadlines", () => {
  const silence: Handler = () => undefined;
  it.each(["status", "read", "backup", "apply", "save"] as const)("end %s when the device is silent", async (call) => {
    const one = await open(silence, { deadlines: { ...short, requestMs: call === "apply" ? 5_000 : 60 } });
    const fault = await faultOf(callOn(one, call));
    expect(fault).toMatchObject({ code: "timeout", mayHaveActed: call === "apply" || call === "save" });
    expect(fault.message).toContain("60 ms");
  });

  it("cannot be outlived by a server that drips its answer", async () => {
    const drips: NodeJS.Timeout[] = [];
    const one = await open(
      (_request, response) => {
        response.writeHead(200, { "Content-Length": 100_000 });
        drips.push(setInterval(() => response.write(" "), 5));
      },
      { deadlines: { ...short, requestMs: 150, writeMs: 150 } },
    );
    for (const call of ["status", "apply"] as const) {
      const begun = performance.now();
      expect(await faultOf(callOn(one, call))).toMatchObject({ code: "timeout", mayHaveActed: call === "apply" });
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
    for (const drip of drips) clearInterval(drip);
  });

  it("end with the caller's signal, before and within a call", async () => {
    const stop = new AbortController();
    const one = await open(() => stop.abort(), { deadlines: { ...short, requestMs: 10_000, writeMs: 10_000 } });
    const within = await faultOf(one.apply([account], stop.signal));
    expect(within).toMatchObject({ code: "timeout", mayHaveActed: true });
    const asked = device?.requests.length;
    expect(await faultOf(one.apply([account], stop.signal))).toMatchObject({ code: "timeout", mayHaveActed: false });
    expect(await faultOf(one.read(stop.signal))).toMatchObject({ code: "timeout" });
    expect(device?.requests.length).toBe(asked);
  });

  it("leave a driver that works again", async () => {
    const answers: Handler[] = [silence, answering(200, '{"versionID":"7.40A.250.440"}')];
    const one = await open((...given) => answers.shift()?.(...given), { deadlines: { ...short, requestMs: 1_000 } });
    expect((await faultOf(one.status(never))).code).toBe("timeout");
    expect((await one.status(never)).firmware).toBe("7.40A.250.440");
  });
});

describe("errors", () => {
  const credentials = Buffer.from(`agent:${password}`).toString("base64");
  const echo: Handler = (request, response) =>
    json(response, 200, {
      status: "failed",
      output: `${request.headers.authorization ?? ""} ${password} "s3cret-trunk"`,
      description: password,
    });
  const cases: [string, Handler, Call][] = [
    ["a rejected script", echo, "apply"],
    [
      "an error page",
      (request, response) => text(response, 500, `${request.headers.authorization ?? ""} ${password}`),
      "apply",
    ],
    ["a refused log-in", (request, response) => text(response, 401, request.headers.authorization ?? ""), "status"],
    [
      "an answer that is not JSON",
      (request, response) => text(response, 200, request.headers.authorization ?? ""),
      "status",
    ],
    ["a cut connection", (request) => request.socket.destroy(), "apply"],
    ["an answer that is not HTTP", (request) => request.socket.end(`${password}\r\n`), "apply"],
    ["silence", () => undefined, "apply"],
  ];
  it.each(cases)("of %s hold no secret in message, stack, JSON or inspection", async (_what, handler, call) => {
    const one = await open(handler, { deadlines: { ...short, writeMs: 300, requestMs: 300 } });
    const fault = await faultOf(callOn(one, call));
    const everything = [
      fault.message,
      fault.stack,
      fault.deviceText,
      JSON.stringify(fault),
      JSON.stringify(fault, Object.getOwnPropertyNames(fault)),
      inspect(fault, { depth: 20, showHidden: true, getters: true }),
      inspect(fault.cause, { depth: 20, showHidden: true, getters: true }),
    ].join("\n");
    expect(everything).not.toContain(password);
    expect(everything).not.toContain("s3cret-trunk");
    expect(everything).not.toContain(credentials);
    expect(everything).not.toMatch(/authorization/i);
  });
});

describe("addresses", () => {
  it.each([
    "edge-1.example",
    "ftp://edge-1.example",
    "https://",
    "https://user:secret@edge-1.example",
    "https://edge-1.example/api",
    "https://edge-1.example/?x=1",
  ])("%j is refused", (address) => {
    expect(() => openDriver(address)).toThrow(/edge-1: its address/);
  });

  it("plain HTTP is refused unless it is configured, and so is the reverse", () => {
    expect(() => openDriver("http://edge-1.example")).toThrow("plain HTTP");
    expect(() => openDriver("https://edge-1.example", { trust: { kind: "plaintext" } })).toThrow("plain HTTP");
  });

  it("takes plain HTTP where it is configured", async () => {
    device = await startFakeDevice((_request, response) => json(response, 200, { versionID: "7.40A.1" }), "plaintext");
    driver = openDriver(device.address, { trust: { kind: "plaintext" } });
    expect((await driver.status(never)).firmware).toBe("7.40A.1");
  });
});
