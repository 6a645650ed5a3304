import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { Client, ClientChannel, ConnectConfig } from "ssh2";
import { expect, onTestFinished } from "vitest";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";

/** A shell as a person sees it. */
export interface Screen {
  /** All that came so far. */
  readonly text: string;
  readonly isClosed: boolean;
  /** Sends keys as they are. */
  type(keys: string): void;
  /** Sends a line with CR, waits until the text ends in a prompt (or in `until`), and returns what came for it. */
  run(line: string, until?: RegExp | string): Promise<string>;
  /** Waits until the text ends in this. */
  waitFor(end: RegExp | string): Promise<void>;
  closed(): Promise<void>;
}

const prompt = /(?:^|[\r\n])[^\r\n]*[>#] $/;

function createScreen(stream: Duplex): Screen {
  let text = "";
  let isClosed = false;
  stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  stream.on("close", () => (isClosed = true));
  stream.on("error", () => undefined);
  const endsIn = (end: RegExp | string): boolean => (typeof end === "string" ? text.endsWith(end) : end.test(text));
  const waitFor = async (end: RegExp | string): Promise<void> => {
    await expect.poll(() => endsIn(end) || text.slice(-200), { timeout: 10_000, interval: 5 }).toBe(true);
  };
  return {
    get text() {
      return text;
    },
    get isClosed() {
      return isClosed;
    },
    type: (keys) => void stream.write(keys),
    waitFor,
    async run(line, until = prompt) {
      const start = text.length;
      stream.write(`${line}\r`);
      await expect
        .poll(() => (text.length > start + 1 && endsIn(until) ? true : text.slice(start)), {
          timeout: 10_000,
          interval: 5,
        })
        .toBe(true);
      return text.slice(start);
    },
    async closed() {
      await expect.poll(() => isClosed, { timeout: 10_000, interval: 5 }).toBe(true);
    },
  };
}

/** How to get to the SSH side of a mock. */
function wayTo(mock: MockSbc, more: Partial<ConnectConfig>): ConnectConfig {
  const [host = "", port = ""] = (mock.ssh ?? "").split(":");
  const password = more.privateKey === undefined ? { password: "Admin" } : {};
  return { host, port: Number(port), username: "Admin", ...password, ...more };
}

/** A connection whose log-in went through; it ends with the test. Rejects when it does not. */
export async function connect(mock: MockSbc, more: Partial<ConnectConfig> = {}): Promise<Client> {
  const client = new ssh2.Client();
  onTestFinished(() => void client.destroy());
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    client.on("error", reject);
    client.once("close", () => reject(new Error("closed")));
    client.connect(wayTo(mock, more));
    // The client writes a packet in parts, and each would wait for the answer to the one before.
    client.setNoDelay(true);
  });
  return client;
}

interface Window {
  readonly rows?: number;
  readonly cols?: number;
}

/** A shell on a connection of its own. */
export async function openShell(
  mock: MockSbc,
  window: Window | false = {},
  more: Partial<ConnectConfig> = {},
): Promise<Screen> {
  return shellOn(await connect(mock, more), window);
}

export async function shellOn(client: Client, window: Window | false = {}): Promise<Screen> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    const rows = window === false ? 0 : (window.rows ?? 1000);
    const size = { rows, cols: 511, width: 0, height: 0, term: "vt100" };
    client.shell(window === false ? false : size, (error, stream) =>
      error === undefined ? resolve(stream) : reject(error),
    );
  });
  return createScreen(channel);
}

/** A shell in Privileged mode. */
export async function openPrivileged(mock: MockSbc, window: Window = {}): Promise<Screen> {
  const screen = await openShell(mock, window);
  await screen.waitFor("> ");
  await screen.run("enable", "Password: ");
  await screen.run("Admin", "# ");
  return screen;
}

/** The shell on bare TCP, before its log-in. */
export function openPlain(mock: MockSbc): Screen {
  const [host = "", port = ""] = (mock.plain ?? "").split(":");
  const socket = connectTcp(Number(port), host);
  onTestFinished(() => void socket.destroy());
  return createScreen(socket);
}
