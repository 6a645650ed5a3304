import type { Socket } from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import type { Driver, Trust } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import type { FakeDevice } from "./fake-device.ts";
import { certificate, faultOf, json, never, openDriver, otherCertificate, startFakeDevice } from "./fake-device.ts";

let device: FakeDevice | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await device?.close();
});

async function start(shown: typeof certificate): Promise<FakeDevice> {
  device = await startFakeDevice((_request, response) => {
    response.setHeader("Connection", "close");
    json(response, 200, { versionID: "7.40A.250.440" });
  }, shown);
  return device;
}

const pinned = (pem: string, checkName = false): Trust => ({ kind: "certificate", pem, checkName });
const fingerprint = (sha256: string): Trust => ({ kind: "fingerprint", sha256 });

const expired = createCertificate({ notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") });
const otherName = createCertificate({ commonName: "device", dnsNames: ["device.example"], ipAddresses: [] });

describe("trust in a device", () => {
  it.each<[string, typeof certificate, Trust]>([
    ["its enrolled certificate", certificate, pinned(certificate.certificatePem, true)],
    ["its enrolled certificate, whose names do not match", otherName, pinned(otherName.certificatePem)],
    ["its fingerprint", certificate, fingerprint(certificate.fingerprint256)],
    ["its fingerprint in lower case", certificate, fingerprint(certificate.fingerprint256.toLowerCase())],
    ["its fingerprint, though it is expired", expired, fingerprint(expired.fingerprint256)],
  ])("is given by %s", async (_what, shown, trust) => {
    driver = openDriver((await start(shown)).address, { trust });
    expect((await driver.status(never)).firmware).toBe("7.40A.250.440");
  });

  it.each<[string, typeof certificate, Trust]>([
    ["another certificate than the enrolled one", otherCertificate, pinned(certificate.certificatePem)],
    ["a certificate of another name", otherName, pinned(otherName.certificatePem, true)],
    ["an expired certificate", expired, pinned(expired.certificatePem)],
    ["a self-signed certificate where authorities are asked for", certificate, { kind: "system" }],
    ["another fingerprint", otherCertificate, fingerprint(certificate.fingerprint256)],
    ["an empty fingerprint", certificate, fingerprint("")],
  ])("is refused to %s, and no byte of a request reaches it", async (_what, shown, trust) => {
    const received: Buffer[] = [];
    const server = tls.createServer({ cert: shown.certificatePem, key: shown.keyPem }, (socket) => {
      socket.on("data", (bytes: Buffer) => received.push(bytes)).on("error", () => socket.destroy());
    });
    server.on("tlsClientError", () => undefined);
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    driver = openDriver(`https://127.0.0.1:${port}`, { trust });
    for (const call of [driver.status(never), driver.save(never), driver.backup(never), driver.read(never)]) {
      const fault = await faultOf(call);
      expect(fault).toMatchObject({ code: "identity", mayHaveActed: false });
      expect(fault.message).toContain("edge-1");
      expect(fault.message).toContain("Enrol the device anew");
    }
    await Promise.all([...sockets].map(async (socket) => closed(socket)));
    expect(Buffer.concat(received).toString("latin1")).toBe("");
    await new Promise((resolve) => server.close(resolve));
  });

  it("cannot rest on an enrolled text that is no certificate", () => {
    expect(() => openDriver("https://edge-1.example", { trust: pinned("-----BEGIN CERTIFICATE-----\nAAAA") })).toThrow(
      "not a PEM certificate",
    );
  });

  it("is asked for again on every new connection", async () => {
    const first = await start(certificate);
    driver = openDriver(first.address, { trust: fingerprint(certificate.fingerprint256) });
    await driver.status(never);
    await first.close();
    const shown = otherCertificate;
    const impostor = tls.createServer({ cert: shown.certificatePem, key: shown.keyPem });
    const received: Buffer[] = [];
    impostor.on("secureConnection", (socket: tls.TLSSocket) =>
      socket.on("data", (bytes: Buffer) => received.push(bytes)),
    );
    await new Promise<void>((resolve) => impostor.listen(first.port, "127.0.0.1", resolve));
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "identity" });
    expect(received).toEqual([]);
    await new Promise((resolve) => impostor.close(resolve));
  });

  it("is not given to TLS before 1.2", async () => {
    const server = tls.createServer({
      cert: certificate.certificatePem,
      key: certificate.keyPem,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    driver = openDriver(`https://127.0.0.1:${port}`);
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable", mayHaveActed: false });
    await new Promise((resolve) => server.close(resolve));
  });

  async function closed(socket: Socket): Promise<void> {
    if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  }
});

describe("enrolling", () => {
  it("fetches the certificate without sending anything", async () => {
    const { address, requests } = await start(certificate);
    const identity = await certificateOf(address);
    expect(identity.fingerprint256).toBe(certificate.fingerprint256);
    expect(identity.certificatePem.trim()).toBe(certificate.certificatePem.trim());
    expect(identity.subject).toContain("localhost");
    expect(Date.parse(identity.validTo)).toBeGreaterThan(Date.now());
    expect(requests).toEqual([]);
  });

  it("gives what the driver then trusts", async () => {
    const { address } = await start(otherName);
    const { certificatePem, fingerprint256 } = await certificateOf(address);
    for (const trust of [pinned(certificatePem), fingerprint(fingerprint256)]) {
      driver = openDriver(address, { trust });
      expect((await driver.status(never)).firmware).toBe("7.40A.250.440");
      await driver.close();
    }
  });

  it("is unreachable where nobody listens, and unsupported on plain HTTP", async () => {
    const { address } = await start(certificate);
    await device?.close();
    expect(await faultOf(drivers.rest.identify(address, 5_000))).toMatchObject({ code: "unreachable" });
    expect(await faultOf(drivers.rest.identify("http://127.0.0.1:1", 5_000))).toMatchObject({ code: "unsupported" });
  });
});

async function certificateOf(address: string) {
  const identity = await drivers.rest.identify(address, 5_000);
  if (identity.kind !== "certificate") throw new Error(`it shows a ${identity.kind}`);
  return identity;
}
