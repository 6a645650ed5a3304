import { Agent, request } from "node:https";
import { TLSSocket } from "node:tls";

/** A bare client of a device's REST API: requests by hand, and nothing else. */
export interface DeviceClient {
  ask(method: "GET" | "PUT" | "POST", path: string, upload?: { contentType: string; bytes: Buffer }): Promise<Buffer>;
  /** Of the latest answer's connection. */
  tlsVersion(): string;
  close(): void;
}

const authorization = `Basic ${Buffer.from("Admin:Admin").toString("base64")}`;

export function createDeviceClient(device: { port: number; certificatePem: string }): DeviceClient {
  const { port, certificatePem: ca } = device;
  const agent = new Agent({ keepAlive: true, maxSockets: 2, ca, checkServerIdentity: () => undefined });
  let tlsVersion = "";
  return {
    ask: (method, path, upload) =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization,
          ...(method === "GET" ? {} : { "content-length": upload?.bytes.length ?? 0 }),
          ...(upload === undefined ? {} : { "content-type": upload.contentType }),
        };
        const options = { agent, hostname: "127.0.0.1", port, method, path: `/api/v1/${path}`, headers };
        const sent = request(options, (response) => {
          if (response.socket instanceof TLSSocket) tlsVersion = response.socket.getProtocol() ?? "";
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
          response.once("end", () => {
            if (response.statusCode === 200) resolve(Buffer.concat(chunks));
            else reject(new Error(`${method} ${path} was answered ${String(response.statusCode)} by the mock device`));
          });
        });
        sent.once("error", reject);
        sent.end(upload?.bytes);
      }),
    tlsVersion: () => tlsVersion,
    close: () => agent.destroy(),
  };
}
