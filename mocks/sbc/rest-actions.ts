import { randomBytes } from "node:crypto";
import type { Device } from "./device.ts";
import type { RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe, readJson } from "./rest-route.ts";

/** `/actions`. */
export function actionRoutes(device: Device): Route[] {
  return [
    {
      path: "actions",
      methods: {
        GET: {
          level: "administrator",
          // The shape of the listing is invented.
          handle: () => ({
            status: 200,
            json: {
              items: ["authToken", "reset", "saveConfiguration"].map((id) => ({ id, url: `/api/v1/actions/${id}` })),
            },
          }),
        },
      },
    },
    {
      path: "actions/reset",
      methods: {
        POST: { level: "administrator", writes: true, handle: (request) => reset(device, request) },
      },
    },
    {
      path: "actions/saveConfiguration",
      methods: {
        POST: { level: "administrator", writes: true, handle: (request) => save(device, request) },
      },
    },
    {
      path: "actions/authToken",
      methods: { POST: { level: "securityAdministrator", handle: createToken } },
    },
  ];
}

function reset(device: Device, request: RestRequest): RestAnswer {
  const body = readJson(request.body);
  if (body === undefined) return describe(400, "Invalid attributes");
  const { saveConfiguration = true, gracefulTimeout = 0, ...others } = body;
  const isTimeout = typeof gracefulTimeout === "number" && gracefulTimeout >= 0;
  if (typeof saveConfiguration !== "boolean" || !isTimeout || Object.keys(others).length > 0) {
    return describe(400, "Invalid attributes");
  }
  return describe(200, "Device will reset now", { afterwards: () => device.reboot(saveConfiguration) });
}

async function save(device: Device, request: RestRequest): Promise<RestAnswer> {
  // The vendor's page demands `Content-Length: 0`; an empty JSON object is taken as well.
  const isMeasured = request.headers["content-length"] !== undefined;
  if (!isMeasured || !["", "{}"].includes(request.body.toString("utf8").trim())) {
    return describe(400, "Content-Length must be 0");
  }
  const failing = device.faults.peek("save-fails").find((fault) => !fault.silent);
  const saved = await device.save(request);
  return saved ? { status: 200 } : describe(failing?.status ?? 409, "Configuration was not saved");
}

function createToken(request: RestRequest): RestAnswer {
  const { username, privLevel, sessionTimeout } = readJson(request.body) ?? {};
  const isLevel = privLevel === "admin" || privLevel === "operator" || privLevel === "monitor";
  const isTimeout = sessionTimeout === undefined || typeof sessionTimeout === "number";
  if (typeof username !== "string" || !isLevel || !isTimeout) return describe(400, "Invalid attributes");
  return {
    status: 200,
    json: {
      authToken: randomBytes(16).toString("hex"),
      description: "Authentication token successfully generated",
    },
  };
}
