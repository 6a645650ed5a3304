import { X509Certificate } from "node:crypto";
import { createCertificate } from "./certificate.ts";
import type { TlsFiles } from "./configuration.ts";
import { findRow, rowsOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import { readFirstPart } from "./multipart.ts";
import type { Method, RestAnswer, RestRequest, Route } from "./rest-route.ts";
import { describe, readJson } from "./rest-route.ts";
import { tableNamed } from "./tables.ts";

const empty: TlsFiles = { certificate: "", privateKey: "", trustedRoot: "" };
const block = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;

/** `/files/tls`: certificates, keys and trusted roots by TLS context. */
export function tlsRoutes(device: Device): Route[] {
  const reading = (file: "certificate" | "trustedRoot"): Method => ({
    level: "administrator",
    handle: (request) => read(device, request, file),
  });
  const writing = (handle: Method["handle"]): Method => ({ level: "administrator", writes: true, handle });
  return [
    { path: "files/tls", methods: { GET: { level: "administrator", handle: () => list(device) } } },
    {
      path: "files/tls/*/certificate",
      methods: {
        GET: reading("certificate"),
        PUT: writing((request) => put(device, request, "certificate", isCertificate)),
      },
    },
    {
      path: "files/tls/*/privateKey",
      methods: { PUT: writing((request) => put(device, request, "privateKey", isPrivateKey)) },
    },
    {
      path: "files/tls/*/trustedRoot",
      methods: {
        GET: reading("trustedRoot"),
        PUT: writing((request) => put(device, request, "trustedRoot", isCertificate)),
      },
    },
    {
      path: "files/tls/*/trustedRoot/incremental",
      methods: {
        PUT: writing((request) =>
          put(device, request, "trustedRoot", isCertificate, (old, added) => `${old}${added}\n`),
        ),
      },
    },
    {
      path: "files/tls/*/certificate/generate",
      methods: { POST: writing((request) => generate(device, request)) },
    },
  ];
}

function list(device: Device): RestAnswer {
  const items = rowsOf(device.running, tableNamed("TLSContexts")).map((row) => ({
    id: String(row.index),
    name: row.cells["Name"] ?? "",
    url: `/api/v1/files/tls/${row.index}`,
  }));
  return { status: 200, json: { [device.settings.tlsListKey]: items } };
}

function contextOf(device: Device, request: RestRequest): string | undefined {
  const id = request.parameters[0] ?? "";
  if (!/^\d+$/.test(id)) return undefined;
  return findRow(device.running, tableNamed("TLSContexts"), Number(id)) === undefined ? undefined : id;
}

function read(device: Device, request: RestRequest, file: "certificate" | "trustedRoot"): RestAnswer {
  const id = contextOf(device, request);
  const text = id === undefined ? "" : (device.running.tls[id]?.[file] ?? "");
  return text === "" ? describe(404, "File not found") : { status: 200, file: text };
}

function put(
  device: Device,
  request: RestRequest,
  file: keyof TlsFiles,
  accepts: (pem: string) => boolean,
  combine: (old: string, added: string) => string = (_old, added) => `${added}\n`,
): RestAnswer {
  const id = contextOf(device, request);
  if (id === undefined) return describe(404, "TLS context not found");
  const contentType = request.headers["content-type"];
  const part = readFirstPart(typeof contentType === "string" ? contentType : undefined, request.body);
  const pem = (part?.content.toString("latin1").match(block) ?? []).join("\n");
  if (!accepts(pem)) return describe(400, "File is not in PEM format");
  const old = device.running.tls[id] ?? empty;
  store(device, id, { ...old, [file]: combine(old[file], pem) });
  return describe(200, "File was successfully loaded");
}

function store(device: Device, id: string, files: TlsFiles): void {
  device.beginWrite();
  device.running.tls = { ...device.running.tls, [id]: files };
  device.changed();
}

function isPrivateKey(pem: string): boolean {
  return /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(pem);
}

function isCertificate(pem: string): boolean {
  const blocks = pem.match(block) ?? [];
  return blocks.length > 0 && blocks.every(isX509);
}

function isX509(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function generate(device: Device, request: RestRequest): RestAnswer {
  const id = contextOf(device, request);
  const body = readJson(request.body);
  if (id === undefined) return describe(404, "TLS context not found");
  if (body === undefined) return describe(400, "Invalid attributes");
  const subject = typeof body["subjectName"] === "string" ? body["subjectName"] : "";
  const made = createCertificate({ commonName: subject });
  const old = device.running.tls[id] ?? empty;
  store(device, id, { ...old, certificate: made.certificatePem, privateKey: made.keyPem });
  return describe(200, "Self-signed certificate was successfully generated");
}
