import type { DeviceSettings } from "../../agent/settings/config.ts";
import { device } from "./customers.ts";

/** A device as the inventory has it. */
export const deviceSettings: DeviceSettings = {
  ...device,
  driver: "rest",
  address: "https://192.0.2.1",
  user: "sbc-agent",
  password: { env: "SBC1_PASSWORD" },
  trust: "enrolled",
  ssh: undefined,
  model: undefined,
  mode: "manage",
  gateways: ["oc1.example.net"],
  blueprint: "oc-default",
  foreignEdits: "wait",
  drift: { fields: {} },
};
