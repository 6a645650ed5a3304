import { createServer, connect, type Socket } from "node:net";

/** A TCP relay with an address that stays, whatever becomes of the server behind it. */
export interface Relay {
  port: number;
  /** Where connections go from now on; null: nowhere, they are reset at once. */
  lead(port: number | null): void;
  /** Resets all connections that stand. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startRelay(): Promise<Relay> {
  const sockets = new Set<Socket>();
  let target: number | null = null;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (target === null) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target, "127.0.0.1");
    keep(far);
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    lead(port) {
      target = port;
    },
    cut,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
