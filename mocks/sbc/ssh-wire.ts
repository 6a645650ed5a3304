import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Connection } from "ssh2";
import type { Wire } from "./shell-faults.ts";

/** The connection below an SSH shell. */
export function createSshWire(client: Connection, socket: Socket): Wire {
  return {
    cut: () => socket.destroy(),
    rekey: () => client.rekey(),
    breakPacket(how) {
      if (how === "garbage") {
        socket.write(randomBytes(64));
        return;
      }
      const write = socket.write.bind(socket);
      socket.write = (bytes: Uint8Array | string): boolean => {
        socket.write = () => false;
        write(bytes.slice(0, Math.floor(bytes.length / 2)), () => socket.destroy());
        return false;
      };
    },
  };
}
