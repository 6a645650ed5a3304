import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CertificateOptions } from "../../mocks/sbc/certificate.ts";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { ask, startDevice } from "./device.ts";

const far = new Date("2060-01-01T00:00:00Z");

describe("a certificate of its own", () => {
  it.each([
    ["defaults", {}, "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"],
    [
      "other names",
      { dnsNames: ["sbc.example.com"], ipAddresses: ["2001:db8::10"] },
      "DNS:sbc.example.com, IP Address:2001:DB8:0:0:0:0:0:10",
    ],
    ["no names", { dnsNames: [], ipAddresses: [] }, undefined],
  ] as const)("says what it was given: %s", (_what, options: CertificateOptions, names) => {
    const made = createCertificate({ commonName: "oc1", notAfter: far, ...options });
    const read = new X509Certificate(made.certificatePem);
    expect(read.subjectAltName).toBe(names);
    expect(read.subject).toBe("CN=oc1");
    expect(read.ca).toBe(true);
    expect(new Date(read.validTo)).toEqual(far);
    expect(read.fingerprint256).toBe(made.fingerprint256);
    expect(read.verify(read.publicKey)).toBe(true);
  });

  it("serves as the authority of a client, by address and by name", async () => {
    const mock = await startDevice();
    expect((await ask(`${mock.rest}/api/`, { ca: mock.certificatePem })).status).toBe(200);
    const byName = mock.rest.replace("127.0.0.1", "localhost");
    expect((await ask(`${byName}/api/`, { ca: mock.certificatePem })).status).toBe(200);
  });

  it.each([
    ["not known to the client", {}, undefined, /self-signed/],
    ["expired", { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") }, "own", /expired/],
    ["made out to somebody else", { dnsNames: ["other.example"], ipAddresses: [] }, "own", /altnames/],
  ])("is refused when %s", async (_what, certificate, ca, message) => {
    const mock = await startDevice({ certificate });
    const trust = ca === undefined ? {} : { ca: mock.certificatePem };
    await expect(ask(`${mock.rest}/api/`, trust)).rejects.toThrow(message);
    expect(mock.device.recorder.stats.requests).toBe(0);
  });

  it("may be brought along, or be left out", async () => {
    const certificate = createCertificate();
    const mock = await startDevice({ certificate });
    expect(mock.fingerprint256).toBe(certificate.fingerprint256);
    const plain = await startDevice({ http: true });
    expect(plain.rest).toMatch(/^http:/);
    expect((await ask(`${plain.rest}/api/v1/status`)).status).toBe(200);
  });
});
