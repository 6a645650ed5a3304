import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { onTestFinished } from "vitest";

const { Server, utils } = ssh2;

/** Something that shows a host key and lets nobody in. */
export interface HostKeyServer {
  address: string;
  /** As OpenSSH prints it. */
  sha256: string;
  /** Log-ins that were tried. */
  attempts(): number;
}

export async function startHostKeyServer(): Promise<HostKeyServer> {
  const key = utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const [, blob = ""] = key.public.split(" ");
  let attempts = 0;
  const server = new Server({ hostKeys: [key.private] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      attempts += 1;
      context.reject();
    });
  });
  const clients = new Set<{ end(): void }>();
  server.on("connection", (client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const client of clients) client.end();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  const digest = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64");
  return {
    address: `ssh://127.0.0.1:${port}`,
    sha256: `SHA256:${digest.replace(/=+$/, "")}`,
    attempts: () => attempts,
  };
}
