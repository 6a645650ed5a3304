import type { Device } from "./device.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe, isFirmwareAtLeast, isObject, readJson } from "./rest-route.ts";
import { readFirstPart } from "./multipart.ts";
import { alarmRoutes } from "./rest-alarms.ts";
import { performanceRoutes } from "./rest-performance.ts";

/** Listings, status, alarms, performance figures and licence. */
export function stateRoutes(device: Device): Route[] {
  let licenceKey = "mock-licence-key";
  const listed = ["actions", "alarms", "files", "kpi", "license", "sipTestCall", "status"];
  return [
    // The shapes of these three listings are invented.
    listing("..", () => [{ id: "v1", url: "/api/v1" }]),
    listing("", () => listed.map((id) => ({ id, url: `/api/v1/${id}`, status: true }))),
    listing("versions", () => [{ id: "v1", url: "/api/v1" }]),
    { path: "status", methods: { GET: monitoring(() => ({ status: 200, json: describeStatus(device) })) } },
    ...alarmRoutes(device),
    ...performanceRoutes(device),
    {
      path: "license",
      methods: {
        GET: {
          level: "administrator",
          handle: () => ({ status: 200, json: describeLicence(device, licenceKey) }),
        },
        PUT: {
          level: "securityAdministrator",
          writes: true,
          handle: (request) => {
            const taken = takeLicence(device, request);
            if (typeof taken !== "string") return taken;
            licenceKey = taken;
            return describe(200, "License key was successfully loaded");
          },
        },
      },
    },
  ];
}

const monitoring = (handle: Method["handle"]): Method => ({ level: "monitor", handle });

function listing(path: string, items: () => readonly object[]): Route {
  return { path, methods: { GET: monitoring(() => ({ status: 200, json: { items: items() } })) } };
}

function describeStatus(device: Device): Record<string, unknown> {
  const { identity, settings } = device;
  const unit = settings.uptimeUnit === "seconds" ? 1000 : 10;
  const isNew = isFirmwareAtLeast(device, "7.40");
  return {
    localTimeStamp: new Date().toISOString().replace(/\.\d+Z$/, "+00:00"),
    ipAddress: identity.ipAddress,
    subnetMask: "255.255.255.0",
    defaultGateway: identity.ipAddress.replace(/\d+$/, "1"),
    productType: identity.name,
    versionID: identity.firmware,
    protocolType: "SIP",
    operationalState: "UNLOCKED",
    highAvailability: identity.highAvailability ? "Operational" : "Not Operational",
    serialNumber: identity.serialNumber,
    macAddress: identity.macAddress,
    ...(isNew ? { osType: "8", acceleratedNetworking: "enabled" } : {}),
    systemUpTime: Math.max(0, Math.floor(device.uptimeMs / unit)),
    ...(device.faults.take("no-save-needed") === undefined ? { saveNeeded: device.saveNeeded } : {}),
    resetNeeded: device.resetNeeded,
  };
}

function describeLicence(device: Device, key: string): Record<string, unknown> {
  const { serialNumber, macAddress, highAvailability } = device.identity;
  const twin = {
    serialNumberRedundant: `${serialNumber}1`,
    keyRedundant: key,
    keyDescriptionRedundant: "Mock licence",
    macAddressRedundant: macAddress,
  };
  return {
    licenseVersion: 1,
    serialNumber,
    key,
    keyDescription: "Mock licence",
    macAddress,
    ...(highAvailability ? twin : {}),
  };
}

function takeLicence(device: Device, request: RestRequest): string | RestAnswer {
  const contentType = request.headers["content-type"];
  const part = readFirstPart(typeof contentType === "string" ? contentType : undefined, request.body);
  if (part !== undefined) {
    const text = part.content.toString("utf8").trim();
    return text === "" ? describe(400, "License key is incorrect") : text;
  }
  if (device.identity.highAvailability) return describe(409, "License must be loaded as a file on a device in HA");
  const body = readJson(request.body);
  if (!isObject(body) || typeof body["key"] !== "string" || body["key"] === "") {
    return describe(400, "License key is incorrect");
  }
  const { serialNumber } = body;
  if (serialNumber !== undefined && serialNumber !== device.identity.serialNumber) {
    return describe(400, "Serial number does not match");
  }
  return body["key"];
}
