import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "./device.ts";
import type { FaultNamed } from "./faults.ts";
import { shellLine } from "./faults.ts";
import { strikeLife } from "./life-faults.ts";
import type { Terminal } from "./shell-terminal.ts";

/** The connection below a terminal, for the faults that are made there. */
export interface Wire {
  /** Destroys the connection without a word. */
  cut(): void;
  /** Makes a packet that cannot be read, or ends one in the middle together with the connection. */
  breakPacket?(how: "garbage" | "cut"): void;
  /** Exchanges the keys anew. */
  rekey?(): void;
}

/** What is to go wrong with one line. */
export interface LineTrouble {
  readonly silent?: "before" | "after" | undefined;
  readonly close?: "before" | "middle" | "after" | undefined;
  readonly isIdle: boolean;
  readonly log?: FaultNamed<"log-line"> | undefined;
}

/** Asks the faults about the lines of one session. */
export interface ShellFaults {
  /** What happens before the line is looked at; the rest is told. */
  before(line: string): Promise<LineTrouble>;
  /** What happens to the device once the line is done. */
  after(line: string): Promise<void>;
}

const none: LineTrouble = { isIdle: false };

export function createShellFaults(device: Device, terminal: Terminal, wire: Wire): ShellFaults {
  const { faults } = device;
  let linesLeft: number | undefined;

  const wait = async (ms: number): Promise<void> => {
    if (ms > 0) await Promise.race([sleep(ms, undefined, { ref: false }), terminal.gone]);
  };

  /** The connection is cut after so many lines from here on. */
  function isCutOff(line: string): boolean {
    linesLeft ??= faults.take("half-applied", shellLine(line), ({ answer }) => answer === "cut")?.lines;
    if (linesLeft === undefined) return false;
    linesLeft -= 1;
    return linesLeft < 0;
  }

  return {
    async before(line) {
      if (line.trim() === "") return none;
      const occasion = shellLine(line);
      if (isCutOff(line) || faults.take("cut-before-apply", occasion) !== undefined) {
        return { isIdle: false, close: "before" };
      }
      const hang = faults.take("hang", occasion);
      if (hang?.processed === false) return { isIdle: false, silent: "before" };
      await wait((faults.take("slow", occasion)?.ms ?? 0) + (faults.take("slow-lines", occasion)?.ms ?? 0));
      const slow = faults.take("shell-slow", occasion);
      const drip = faults.take("drip", occasion);
      terminal.msPerByte = slow === undefined ? drip?.ms : 1000 / slow.bytesPerSecond;
      if (faults.take("rekey", occasion) !== undefined) wire.rekey?.();
      const broken = faults.take("broken-packet", occasion);
      if (broken !== undefined) (wire.breakPacket ?? wire.cut)(broken.how);
      await strikeLife(device, occasion, "before");
      const isLost = faults.take("cut-after-request", occasion) !== undefined;
      return {
        silent: hang === undefined ? faults.take("shell-silence", occasion)?.when : "after",
        close: isLost ? "after" : faults.take("shell-close", occasion)?.when,
        isIdle: faults.take("idle-logout", occasion) !== undefined,
        log: faults.take("log-line", occasion),
      };
    },
    async after(line) {
      if (line.trim() !== "") await strikeLife(device, shellLine(line), "after");
    },
  };
}
