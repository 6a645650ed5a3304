import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { onTestFinished } from "vitest";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";

const deviceFile = (name: string): string =>
  readFileSync(new URL(`../../config/devices/${name}`, import.meta.url), "utf8");

/** The device file of the demo. */
export const demoIni = deviceFile("oc1-7.40.ini");

/** All device files, of three generations. */
export const deviceFiles = {
  "7.40A": demoIni,
  "7.20A": deviceFile("oc2-7.20.ini"),
  "7.00A": deviceFile("legacy-7.00.ini"),
} as const;

/** A mock that is stopped at the end of the test. */
export async function startDevice(options: MockSbcOptions = {}): Promise<MockSbc> {
  const mock = await startMockSbc({ ini: demoIni, ...options });
  onTestFinished(() => mock.stop());
  return mock;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
  /** The text as JSON; throws when it is not. */
  json(): unknown;
}

export interface Ask {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** `user:password`, or null for none; default Admin:Admin. */
  readonly login?: string | null;
  readonly ca?: string;
}

/** One request on a connection of its own. Rejects when the connection breaks. */
export async function ask(url: string, options: Ask = {}): Promise<Answer> {
  const { method = "GET", body, login = "Admin:Admin", headers = {}, ca } = options;
  const authorization =
    login === null ? {} : { authorization: `Basic ${Buffer.from(login, "utf8").toString("base64")}` };
  const settings = {
    method,
    agent: false as const,
    headers: { ...authorization, ...headers },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send(url, settings, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString("utf8");
        const json = (): unknown => JSON.parse(text);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, bytes, json });
      });
    });
    request.once("error", reject);
    request.end(body);
  });
}

/** One request to the REST side, below `/api/v1/`. */
export function rest(mock: MockSbc, path: string, options: Ask = {}): Promise<Answer> {
  return ask(`${mock.rest}/api/v1/${path}`, { ca: mock.certificatePem, ...options });
}

/** One request to the control side; `body` leaves as JSON. */
export function control(mock: MockSbc, method: string, path: string, body?: unknown): Promise<Answer> {
  return ask(`${mock.control}${path}`, {
    method,
    login: null,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** An upload as the vendor's samples do it: multipart with one part named `file`. */
export function upload(
  mock: MockSbc,
  path: string,
  content: string,
  options: Ask & { readonly field?: string } = {},
): Promise<Answer> {
  const boundary = "----boundary";
  const body = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${options.field ?? "file"}"; filename="file.txt"`,
    "Content-Type: application/octet-stream",
    "",
    content,
    `--${boundary}--`,
    "",
  ].join("\r\n");
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
  return rest(mock, path, { method: "PUT", body, headers, ...options });
}

/** Lines as one incremental script. */
export function script(mock: MockSbc, lines: readonly string[], options: Ask = {}): Promise<Answer> {
  return upload(mock, "files/cliScript/incremental", lines.join("\r\n"), options);
}

/** The running configuration as REST shows it. */
export async function runningConfig(mock: MockSbc): Promise<string> {
  return (await rest(mock, "files/cliScript")).text;
}

export interface StateRow {
  readonly index: number;
  readonly active: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Tables = Readonly<Record<string, readonly StateRow[]>>;

/** What `GET /state` says. */
export async function state(mock: MockSbc): Promise<{ running: Tables; startup: Tables; saveNeeded: boolean }> {
  const answer = (await control(mock, "GET", "/state")).json();
  return answer as { running: Tables; startup: Tables; saveNeeded: boolean };
}

/** A row of the running configuration by index; undefined when there is none. */
export async function rowAt(mock: MockSbc, table: string, index: number): Promise<StateRow | undefined> {
  return (await state(mock)).running[table]?.find((row) => row.index === index);
}

/** The lines that make a Proxy Set with one address and an IP Group that names it. */
export const customerLines: readonly string[] = [
  "configure voip",
  " proxy-set 4",
  '  proxy-name "SIPTrunk"',
  '  sbcipv4-sip-int-name "SIF_WAN"',
  "  activate",
  "  proxy-ip 0",
  '   proxy-address "192.0.2.50:5060"',
  "   transport-type udp",
  "   activate",
  "  exit",
  " exit",
  " ip-group 5",
  '  tags "Trunk=4c1a0e4e-6b7f-4c0b-9f0e-1b2f3c4d5e6f"',
  '  name "acme-c"',
  '  proxy-set-name "SIPTrunk"',
  "  activate",
  " exit",
  "exit",
];
