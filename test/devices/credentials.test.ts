import { expect, it } from "vitest";
import { checkConfig, type DeviceSettings } from "../../agent/settings/config.ts";
import { credentialText, readCredentials, secretsOf } from "../../agent/devices/credentials.ts";

const secrets: Record<string, string> = { PASSWORD: "p", KEY: "k", LOCK: "l", ENABLE: "e" };
const read = (reference: object): string => secrets[(reference as { env: string }).env] ?? "";

function deviceWith(parts: object): DeviceSettings {
  const device = {
    name: "sbc-1",
    driver: "ssh",
    address: "ssh://192.0.2.10",
    user: "agent",
    gateways: ["oc1.example.com"],
    ...parts,
  };
  const [checked] = checkConfig({ sealKey: { file: "k" }, devices: [device] }, "agent.yaml", "/").devices;
  if (checked === undefined) throw new Error("there is no device");
  return checked;
}

const everything = deviceWith({
  password: { env: "PASSWORD" },
  ssh: { privateKey: { env: "KEY" }, passphrase: { env: "LOCK" }, enablePassword: { env: "ENABLE" } },
});

it("names all the secrets of a device by their settings", () => {
  expect(secretsOf(everything).map(([path]) => path)).toEqual([
    "password",
    "ssh.privateKey",
    "ssh.passphrase",
    "ssh.enablePassword",
  ]);
});

it("reads them all", () => {
  expect(readCredentials(everything, read)).toEqual({
    user: "agent",
    password: "p",
    privateKey: { pem: "k", passphrase: "l" },
    enablePassword: "e",
  });
});

it("takes a device whose key, password or enable password is another one for other credentials", () => {
  const key = { privateKey: { env: "KEY" } };
  const devices = [
    everything,
    deviceWith({ password: { env: "PASSWORD" } }),
    deviceWith({ password: { env: "LOCK" } }),
    deviceWith({ password: { env: "PASSWORD" }, ssh: key }),
    deviceWith({ ssh: key }),
    deviceWith({ password: { env: "PASSWORD" }, ssh: { enablePassword: { env: "ENABLE" } } }),
  ];
  const texts = devices.map((device) => credentialText(readCredentials(device, read)));
  expect(new Set(texts).size).toBe(devices.length);
});

it("counts the log-ins of one account together, whichever driver it is used by", () => {
  const password = { env: "PASSWORD" };
  const overRest = deviceWith({ driver: "rest", address: "https://192.0.2.10", password });
  const overSsh = deviceWith({ password });
  expect(credentialText(readCredentials(overRest, read))).toBe(credentialText(readCredentials(overSsh, read)));
});
