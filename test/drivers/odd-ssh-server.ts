import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import ssh2 from "ssh2";
import type { AuthContext, Connection, ServerChannel, SFTPWrapper } from "ssh2";
import { onTestFinished } from "vitest";
import { createHostKey } from "../../mocks/sbc/host-key.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";

const { Server } = ssh2;
const hostKey = createHostKey("ecdsa");

export interface OddBehaviour {
  /** By default everybody is let in. */
  authenticate?(context: AuthContext, client: Connection, socket: Socket): void;
  /** A request for a shell came. */
  onShell?(): void;
  /** By default no request for a shell is answered. */
  shell?(channel: ServerChannel, client: Connection): void;
  sftp?(sftp: SFTPWrapper): void;
}

/** An SSH server that behaves as no device should. Counts the credentials that it is sent. */
export async function startOddSsh(behaviour: OddBehaviour) {
  const sockets = new Set<Socket>();
  let tries = 0;
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    const server = new Server({ hostKeys: [hostKey.pem] }, (client) => {
      client.on("error", () => undefined);
      client.on("authentication", (context) => {
        if (context.method !== "none") tries += 1;
        if (behaviour.authenticate === undefined) context.accept();
        else behaviour.authenticate(context, client, socket);
      });
      client.on("session", (accept) => {
        const session = accept();
        session.on("pty", (agree) => agree());
        session.on("shell", (agree) => {
          behaviour.onShell?.();
          if (behaviour.shell !== undefined) behaviour.shell(agree(), client);
        });
        session.on("sftp", (agree, refuse) => {
          if (behaviour.sftp === undefined) refuse();
          else behaviour.sftp(agree());
        });
      });
    });
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const { port } = listener.address() as AddressInfo;
  const target: Pick<MockSbc, "ssh" | "hostKeySha256"> = { ssh: `127.0.0.1:${port}`, hostKeySha256: hostKey.sha256 };
  return {
    target: target as MockSbc,
    tries: () => tries,
  };
}
