import { gzipSync } from "node:zlib";
import type { Device } from "./device.ts";
import { readFirstPart } from "./multipart.ts";
import { printIni } from "./print-ini.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe, isFirmwareAtLeast, readJson } from "./rest-route.ts";
import { createTar } from "./tar.ts";

const auxiliary = ["amd", "castable", "cpt", "dialplan", "prt", "voiceprompts", "sbcWizard"];

/** Software, auxiliary files, user info, the configuration package and debug files. */
export function packageRoutes(device: Device): Route[] {
  const writing = (handle: Method["handle"]): Method => ({ level: "administrator", writes: true, handle });
  const reading = (handle: Method["handle"]): Method => ({ level: "administrator", handle });
  let transactions = 0;

  function createDebugFile(request: RestRequest): RestAnswer {
    if (readJson(request.body) === undefined) return describe(400, "Invalid attributes");
    transactions += 1;
    return { status: 200, json: { transactionId: String(transactions) } };
  }

  const names = ["ini", "cliScript", "tls", "configurationPackage.tar.gz", "debugFile", ...auxiliary];
  return [
    {
      path: "files",
      methods: {
        // The shape of the listing is invented.
        GET: reading(() => ({
          status: 200,
          json: { items: names.map((id) => ({ id, url: `/api/v1/files/${id}` })) },
        })),
      },
    },
    { path: "files/software", methods: { PUT: writing((request) => loadSoftware(device, request)) } },
    { path: "files/software/hitless", methods: { PUT: writing((request) => loadHitless(device, request)) } },
    ...auxiliary.map((name) => ({ path: `files/${name}`, methods: { PUT: writing(takeFile) } })),
    { path: "files/usersInfo", methods: { PUT: writing(takeFile) } },
    {
      path: "files/configurationPackage.tar.gz",
      methods: {
        GET: reading((request) => ({
          status: 200,
          file: gzipSync(createTar([{ name: "ini.ini", content: printIni(device.look(request), device.identity) }])),
        })),
      },
    },
    {
      path: "files/debugFile",
      methods: { GET: reading(() => ({ status: 200, file: "mock debug file\r\n" })) },
    },
    ...(device.identity.highAvailability
      ? [
          {
            path: "files/debugFileRedundant",
            methods: { GET: reading(() => ({ status: 200, file: "mock debug file of the redundant unit\r\n" })) },
          },
        ]
      : []),
    ...(isFirmwareAtLeast(device, "7.40A.600")
      ? [{ path: "files/create/debugFile", methods: { POST: reading(createDebugFile) } }]
      : []),
  ];
}

function isFile(request: RestRequest): boolean {
  const contentType = request.headers["content-type"];
  const part = readFirstPart(typeof contentType === "string" ? contentType : undefined, request.body);
  return part !== undefined && part.content.length > 0;
}

function takeFile(request: RestRequest): RestAnswer {
  return isFile(request) ? describe(200, "File was successfully loaded") : describe(400, "File is incorrect");
}

function loadSoftware(device: Device, request: RestRequest): RestAnswer {
  if (!isFile(request)) return describe(400, "Software load is incorrect");
  return describe(200, "Device will reset now to activate new software load", {
    afterwards: () => device.reboot(true),
  });
}

function loadHitless(device: Device, request: RestRequest): RestAnswer {
  if (!isFile(request) || !device.identity.highAvailability) return describe(400, "Software load is incorrect");
  return describe(200, "Device will perform switchover to activate new software load");
}
