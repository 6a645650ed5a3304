import { createServer as createHttpServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server as TcpServer, Socket } from "node:net";
import type { Certificate, CertificateOptions } from "./certificate.ts";
import { createCertificate, readCertificate } from "./certificate.ts";
import { createFactoryConfiguration } from "./configuration.ts";
import { createControlListener } from "./control.ts";
import type { Alarms, Device } from "./device.ts";
import { createDevice } from "./device.ts";
import type { FaultOrder, Faults } from "./faults.ts";
import { createFaults } from "./faults.ts";
import { generationOf, newestGeneration } from "./generations.ts";
import { createHostKey, readHostKey } from "./host-key.ts";
import { headerField } from "./ini-header.ts";
import { models } from "./limits.ts";
import { loadIni } from "./load-ini.ts";
import { createPlainListener } from "./plain-shell.ts";
import { createRecorder } from "./recorder.ts";
import { createRestListener } from "./rest.ts";
import type { SettingsPatch } from "./settings.ts";
import { createSettings } from "./settings.ts";
import { createShellSessions } from "./shell-sessions.ts";
import { createSshListener } from "./ssh-server.ts";
import type { User, Users } from "./users.ts";
import { createUsers } from "./users.ts";

/** What a mock starts from. Everything has a default. */
export interface MockSbcOptions {
  /**
   * Text of the INI file to start from; without it, factory state. Its FORMAT lines and `;Software Version:` say of
   * which generation the device is; without them, `firmware` does.
   */
  readonly ini?: string;
  /** Device name, as in the prompt and the running configuration; else the `;Board:` of the file. */
  readonly name?: string;
  /** As in `7.40A.250.440`; else the `;Software Version:` of the file. */
  readonly firmware?: string;
  /** One of `models`; sets the table limits. Default `ve-4gb`. */
  readonly model?: string;
  /** Else the `;Serial Number:` of the file. */
  readonly serialNumber?: string;
  readonly highAvailability?: boolean;
  /** Name and password of the Security Administrator; default Admin, Admin. */
  readonly user?: string;
  readonly password?: string;
  /** Further users besides the Security Administrator and the default `User`. */
  readonly users?: readonly User[];
  readonly alarms?: Alarms;
  /** Milliseconds before each REST request is looked at, to write flash, and to boot. Default 0. */
  readonly latencyMs?: number;
  readonly saveMs?: number;
  readonly bootMs?: number;
  /** Serve REST over plain HTTP. */
  readonly http?: boolean;
  /** An own pair, PEM, or what a new certificate is to say. */
  readonly certificate?: { readonly certificatePem: string; readonly keyPem: string } | CertificateOptions;
  /** Port of SSH, 0 for any free one; without it, no SSH is served. */
  readonly sshPort?: number;
  /** Port of the same shell on bare TCP, like telnet without its negotiation; without it, none is served. */
  readonly plainPort?: number;
  /** Private key of the SSH server in OpenSSH or PEM form; default a fresh ECDSA one, RSA with legacy algorithms. */
  readonly hostKey?: string;
  /** Secret of the `enable` command; default Admin. */
  readonly enablePassword?: string;
  /** Public keys that let the Security Administrator in, as in an `authorized_keys` file. */
  readonly authorizedKeys?: readonly string[];
  /** Milliseconds before each line of a shell is looked at. Default 0. */
  readonly shellLatencyMs?: number;
  /** Ports on the loopback address; default 0, any free one. */
  readonly restPort?: number;
  readonly controlPort?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  readonly settings?: SettingsPatch;
  readonly faults?: readonly FaultOrder[];
}

/** A mock device that is up. */
export interface MockSbc {
  /** Base URL of REST without path: `https://127.0.0.1:PORT`. */
  readonly rest: string;
  /** Base URL of the control side: `http://127.0.0.1:PORT`. */
  readonly control: string;
  /** `127.0.0.1:PORT` of SSH and of the shell on bare TCP; undefined where not served. */
  readonly ssh: string | undefined;
  readonly plain: string | undefined;
  /** The host key as OpenSSH prints it: `SHA256:` and base64 without padding; empty without SSH. */
  readonly hostKeySha256: string;
  /** SHA-256 of the certificate, `AA:BB:...`; empty over plain HTTP. */
  readonly fingerprint256: string;
  /** Serves as `ca` of a client; empty over plain HTTP. */
  readonly certificatePem: string;
  readonly device: Device;
  readonly faults: Faults;
  /** What the device did not take of the INI file that it started from. */
  readonly ignored: readonly string[];
  /** Ends all connections and timers. May be called again. */
  stop(): Promise<void>;
}

/** Starts a mock device. Rejects for an INI file, settings, faults or a model that make no sense, or a taken port. */
export async function startMockSbc(options: MockSbcOptions = {}): Promise<MockSbc> {
  const { device, ignored } = buildDevice(options);
  const { settings, faults, recorder } = device;
  const security: User = {
    name: options.user ?? "Admin",
    password: options.password ?? "Admin",
    level: "securityAdministrator",
  };
  const monitor: User = { name: "User", password: "User", level: "monitor" };
  const users = createUsers([security, monitor, ...(options.users ?? [])], { settings, faults, recorder });
  const certificate = options.http === true ? undefined : chooseCertificate(options.certificate);
  if (certificate !== undefined) {
    device.running.tls = {
      ...device.running.tls,
      "0": { certificate: certificate.certificatePem, privateKey: certificate.keyPem, trustedRoot: "" },
    };
    device.startup.tls = device.running.tls;
  }

  let life = new AbortController();
  const restListener = createRestListener({
    device,
    users,
    latencyMs: options.latencyMs ?? 0,
    life: () => life.signal,
  });
  const rest = track(
    certificate === undefined
      ? createHttpServer(restListener)
      : createHttpsServer({ cert: certificate.certificatePem, key: certificate.keyPem }, restListener),
    () => device.isUp,
  );
  const control = track(createPlainServer(createControlListener(device, users)), () => true);
  const shells = createShells(options, device, users, security.name);
  device.onReset(() => {
    life.abort();
    life = new AbortController();
    for (const { drop } of [rest, ...shells.served]) drop();
  });
  const host = options.host ?? "127.0.0.1";
  const served = [control, rest, ...shells.served];
  const wanted = [options.controlPort, options.restPort, ...shells.ports];
  const ports: number[] = [];
  try {
    for (const [place, { server }] of served.entries()) ports.push(await listen(server, wanted[place] ?? 0, host));
  } catch (error) {
    await Promise.all(served.slice(0, ports.length).map(({ server }) => close(server)));
    throw error;
  }
  const [controlPort = 0, restPort = 0, ...shellPorts] = ports;
  let stopping: Promise<void> | undefined;

  async function stop(): Promise<void> {
    life.abort();
    device.stop();
    for (const { drop } of served) drop();
    await Promise.all(served.map(({ server }) => close(server)));
  }

  const addressOf = (kind: "ssh" | "plain"): string | undefined => {
    const place = shells.kinds.indexOf(kind);
    return place < 0 ? undefined : `${host}:${shellPorts[place] ?? 0}`;
  };
  return {
    rest: `${certificate === undefined ? "http" : "https"}://${host}:${restPort}`,
    control: `http://${host}:${controlPort}`,
    ssh: addressOf("ssh"),
    plain: addressOf("plain"),
    hostKeySha256: shells.hostKeySha256,
    fingerprint256: certificate?.fingerprint256 ?? "",
    certificatePem: certificate?.certificatePem ?? "",
    device,
    faults,
    ignored,
    stop: () => (stopping ??= stop()),
  };
}

interface Shells {
  readonly kinds: readonly ("ssh" | "plain")[];
  readonly served: readonly Tracked[];
  readonly ports: readonly number[];
  readonly hostKeySha256: string;
}

/** The servers of the shells that were asked for. */
function createShells(options: MockSbcOptions, device: Device, users: Users, keyUser: string): Shells {
  const { sshPort, plainPort, enablePassword = "Admin", shellLatencyMs = 0, authorizedKeys = [] } = options;
  const sessions = createShellSessions(device.settings);
  const shell = { device, users, sessions, enablePassword, shellLatencyMs };
  const isUp = (): boolean => device.isUp;
  const kinds: ("ssh" | "plain")[] = [];
  const served: Tracked[] = [];
  const ports: number[] = [];
  let hostKeySha256 = "";
  if (sshPort !== undefined) {
    const kind = device.settings.shell.algorithms === "legacy" ? "rsa" : "ecdsa";
    const hostKey = options.hostKey === undefined ? createHostKey(kind) : readHostKey(options.hostKey);
    hostKeySha256 = hostKey.sha256;
    kinds.push("ssh");
    served.push(track(createTcpServer(), isUp, createSshListener({ ...shell, hostKey, keyUser, authorizedKeys })));
    ports.push(sshPort);
  }
  if (plainPort !== undefined) {
    kinds.push("plain");
    served.push(track(createTcpServer({ allowHalfOpen: true }), isUp, createPlainListener(shell)));
    ports.push(plainPort);
  }
  return { kinds, served, ports, hostKeySha256 };
}

function buildDevice(options: MockSbcOptions): { device: Device; ignored: readonly string[] } {
  const settings = createSettings(options.settings);
  const faults = createFaults();
  faults.add(options.faults ?? []);
  const model = options.model ?? "ve-4gb";
  if (!models.includes(model)) throw new Error(`unknown model ${model}; known are ${models.join(", ")}`);
  const { firmware } = options;
  const generation = firmware === undefined ? newestGeneration : generationOf(firmware);
  const { configuration, ignored } =
    options.ini === undefined
      ? { configuration: createFactoryConfiguration(generation), ignored: [] }
      : loadIni(options.ini, { settings, model, firmware });
  const device = createDevice({
    identity: {
      name: options.name ?? headerField(configuration, "Board") ?? "Mediant VE SBC",
      serialNumber: options.serialNumber ?? headerField(configuration, "Serial Number") ?? "100000000000001",
      firmware: firmware ?? headerField(configuration, "Software Version") ?? "7.40A.250.440",
      ipAddress: headerField(configuration, "Board IP Address") ?? "192.0.2.10",
      macAddress: "00005e005301",
      model,
      highAvailability: options.highAvailability ?? false,
    },
    settings,
    faults,
    recorder: createRecorder(),
    configuration,
    saveMs: options.saveMs ?? 0,
    bootMs: options.bootMs ?? 0,
    ...(options.alarms === undefined ? {} : { alarms: options.alarms }),
  });
  return { device, ignored };
}

function chooseCertificate(given: MockSbcOptions["certificate"]): Certificate {
  if (given !== undefined && "certificatePem" in given) return readCertificate(given.certificatePem, given.keyPem);
  return createCertificate(given);
}

function createPlainServer(listener: RequestListener): Server {
  return createHttpServer(listener);
}

interface Tracked {
  readonly server: TcpServer;
  readonly drop: () => void;
}

/** Knows the sockets of a server, and turns new ones away while the device is down; the others go to `serve`. */
function track(server: TcpServer, isUp: () => boolean, serve?: (socket: Socket) => void): Tracked {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    if (!isUp()) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve?.(socket);
  });
  server.on("clientError", (_error: Error, socket: Socket) => socket.destroy());
  return {
    server,
    drop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listen(server: TcpServer, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

async function close(server: TcpServer): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
