import ssh2 from "ssh2";
import { both } from "./both.ts";
import type { Answer } from "./cli-answer.ts";
import type { CliSession } from "./cli-session.ts";
import type { DeviceStatus, Driver, DriverKind, DriverOptions, SshOptions, Step, Transcript } from "./driver.ts";
import { DriverError } from "./errors.ts";
import { knowDevice } from "./known-device.ts";
import { refusal } from "./mediant/grammar.ts";
import { renderFields } from "./mediant/render.ts";
import { mediantTables } from "./mediant/tables.ts";
import { parseVersion } from "./mediant/version-text.ts";
import { openSecrets, strikeStatus } from "./secrets.ts";
import type { ShellDialect } from "./shell-dialects.ts";
import { shell7, shellDialectOf } from "./shell-dialects.ts";
import { defaultRefusedLine } from "./refused-line.ts";
import { parseSshAddress } from "./ssh-address.ts";
import { openLogin } from "./ssh-login.ts";
import type { HostKey } from "./ssh-transport.ts";
import { connectSsh } from "./ssh-transport.ts";
import { carryRows, knownFields } from "./ssh-rows.ts";

/** Where devices keep the INI file for SFTP. */
const iniPath = "/configuration/ini.ini";
/** Characters of the device's words that an error keeps. */
const maxDeviceText = 16_000;
/** Of a line that may say that the device is busy. */
const maxBusyLine = 300;

const basicShell = 'its shell gives no more than the ">" level: configure the password of "enable"';

/** What a shell is spoken to with where nothing is configured. */
const defaultSsh: SshOptions = {
  profile: "modern",
  groupExchange: false,
  pipelineDepth: 24,
  blindRows: false,
  deadlines: { lineMs: 15_000, idleMs: 60_000 },
};

/** Carries Mediant configuration text over the device's shell, 6.6 to 7.4 (device CLI guide). */
export const ssh: DriverKind = {
  open: openSsh,
  async identify(address, connectMs, options = defaultSsh) {
    const target = parseSshAddress(address, address);
    let key: HostKey | undefined;
    await new Promise<void>((resolve, reject) => {
      const onHostKey = (shown: HostKey) => {
        key = shown;
        resolve();
      };
      const { profile, groupExchange } = options;
      const connection = connectSsh({ target, trusted: "", profile, groupExchange, connectMs, onHostKey });
      // A key that is not trusted ends the connection before anybody could log in.
      connection.login({ user: "", password: "", privateKey: undefined }).catch(reject);
    }).catch((error: unknown) => {
      if (key === undefined) throw error;
    });
    if (key === undefined) throw new DriverError("unreachable", `${address}: it shows no host key`);
    return { kind: "host-key", ...key };
  },
};

function openSsh(options: DriverOptions): Driver {
  const { device, deadlines, trust, ssh: shell = defaultSsh } = options;
  const target = parseSshAddress(device, options.address);
  if (trust.kind !== "host-key")
    throw new DriverError("unsupported", `${device}: SSH needs the trust "host-key", which enrolment records`);
  if (shell.dialect !== undefined && shellDialectOf("unknown", shell.dialect) === undefined)
    throw new DriverError("unsupported", `${device}: no shell dialect is named ${JSON.stringify(shell.dialect)}`);
  requireKey(device, shell.privateKey);
  const secrets = openSecrets();
  const { strike } = secrets;
  for (const secret of [options.password, shell.enablePassword, shell.privateKey?.passphrase])
    secrets.add(secret ?? "");

  /** Connection and first prompt have a deadline each, and so has every line. */
  const loginMs = 2 * deadlines.connectMs + shell.deadlines.lineMs;
  const readMs = loginMs + 2 * deadlines.requestMs;
  const login = openLogin({ options, shell, target, trusted: trust.sha256 });
  let dialect: ShellDialect = shellDialectOf("unknown", shell.dialect) ?? shell7;
  /** Set once the device refused SFTP. */
  let noSftp = false;
  /** The session on which the configuration was read last. */
  let latest: CliSession | undefined;
  const known = knowDevice(options, secrets, {
    capabilities: () => ({ saveNeeded: false, partialScripts: true, givesBack: true }),
    unknownFirmware: undefined,
    readOnly: () => (login.isBasic() ? basicShell : undefined),
  });

  /**
   * Runs `act` on a session that stands. Within the deadline, connecting included; what breaks it off, breaks the
   * session, and nothing leaves any more.
   */
  async function within<T>(
    what: string,
    deadlineMs: number,
    signal: AbortSignal,
    act: (session: CliSession, mayAct: (acted: boolean) => void) => Promise<T>,
  ): Promise<T> {
    const gaveUp = new DriverError("timeout", "the caller gave up");
    if (signal.aborted) throw told(what, gaveUp, false);
    const stop = new AbortController();
    const onAbort = () => stop.abort(gaveUp);
    signal.addEventListener("abort", onAbort);
    const timer = setTimeout(() => {
      stop.abort(new DriverError("timeout", `it was not done within ${deadlineMs} ms`));
    }, deadlineMs);
    let acted = false;
    try {
      const session = await login.session(stop.signal);
      stop.signal.throwIfAborted();
      stop.signal.addEventListener("abort", () => {
        session.fail(stop.signal.reason as DriverError);
        login.drop();
      });
      return await act(session, (now) => {
        acted = now;
      });
    } catch (error) {
      throw told(what, error, acted);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  function told(what: string, error: unknown, acted: boolean): unknown {
    if (!(error instanceof DriverError)) return error;
    const { code, message, deviceText, mayBeRefused } = error;
    return new DriverError(code, strike(`${device}: ${what} failed: ${message.replace(`${device}: `, "")}`), {
      mayHaveActed: acted,
      mayBeRefused,
      ...(deviceText === undefined ? {} : { deviceText: strike(deviceText).slice(0, maxDeviceText) }),
      cause: error.cause,
    });
  }

  function show(session: CliSession, line: string): Promise<Answer> {
    return session.run(line, { deadlineMs: deadlines.requestMs, idleMs: shell.deadlines.idleMs });
  }

  async function showText(session: CliSession, line: string): Promise<string> {
    return `${(await show(session, line)).output.join("\r\n")}\r\n`;
  }

  async function status(signal: AbortSignal): Promise<DeviceStatus> {
    return within("reading the version", loginMs + deadlines.requestMs, signal, async (session) => {
      const now = parseVersion((await show(session, "show system version")).output);
      dialect = shellDialectOf(now.firmware, shell.dialect) ?? shell7;
      known.noteFirmware(now.firmware);
      return strikeStatus(now, strike);
    });
  }

  /** Undefined once the device was seen to refuse SFTP. A signal that aborts gives the connection up. */
  async function iniFile(signal: AbortSignal): Promise<string | undefined> {
    if (noSftp) return undefined;
    signal.addEventListener("abort", login.drop);
    try {
      return await login.readFile(iniPath);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== "unsupported") throw error;
      noSftp = true;
      login.useNoSftp();
      return undefined;
    } finally {
      signal.removeEventListener("abort", login.drop);
    }
  }

  // Not typed ahead: where the device pages, it would be taken for keys.
  const showIni = (session: CliSession) => showText(session, "show ini-file");

  function readTexts(signal: AbortSignal): Promise<readonly [string, string]> {
    return within("reading the configuration", readMs, signal, async (session) => {
      latest = session;
      const [running, ini] = await both(() => showText(session, "show running-config"), iniFile, signal);
      return [running, ini ?? (await showIni(session))];
    });
  }

  async function apply(steps: readonly Step[], signal: AbortSignal): Promise<Transcript> {
    known.rememberSecrets(steps);
    const lines = known.lines(steps, "show");
    const printed = known.render(steps);
    if (lines.length === 0) return { lines: printed, output: "" };
    return within(`applying ${steps.length} steps`, deadlines.writeMs, signal, async (session, mayAct) => {
      requirePrivileged(session);
      known.noteWrite();
      mayAct(true);
      const { output, refused, touched } = await carryRows(session, lines, {
        dialect,
        // Old devices are not trusted to keep lines that come before they have answered.
        depth: shell.profile === "legacy" ? 1 : shell.pipelineDepth,
        blind: shell.blindRows,
        lineMs: shell.deadlines.lineMs,
        refusedLine: options.refusedLine ?? defaultRefusedLine,
        isBusy,
        secretPrompts: shell.secretPrompts ?? false,
        before,
      });
      const words = strike(output.join("\n"));
      if (refused === undefined) return { lines: printed, output: words };
      mayAct(touched);
      throw refusedBy(output, `the device refused ${JSON.stringify(refused.slice(0, 200))}`);
    });
  }

  /** At most so many characters are looked at: what somebody configured may be slow on long lines. */
  function isBusy(line: string): boolean {
    return shell.busyLine?.test(line.slice(0, maxBusyLine)) === true;
  }

  function refusedBy(output: readonly string[], reason: string): DriverError {
    return new DriverError(output.some(isBusy) ? "busy" : "rejected", reason, { deviceText: output.join("\n") });
  }

  /** The values of before this run, as far as the latest read showed them and the CLI can say them. */
  function before(step: Step, names: readonly string[]) {
    const schema = mediantTables.get(step.table);
    if (schema === undefined) return [];
    const values = Object.entries(knownFields(known.lastFields(step), names)).filter(([name, value]) => {
      const field = schema.fields.find((one) => one.name === name);
      return field !== undefined && refusal(field, value) === undefined;
    });
    return renderFields(step, schema, Object.fromEntries(values));
  }

  function requirePrivileged(session: CliSession): void {
    if (session.prompt().privileged) return;
    throw new DriverError("forbidden", basicShell);
  }

  async function save(signal: AbortSignal): Promise<void> {
    await within("saving the configuration", deadlines.saveMs, signal, async (session, mayAct) => {
      requirePrivileged(session);
      // A session breaks when the device starts anew, and then what was written is gone: saving would not keep it.
      if (latest !== undefined && latest !== session)
        throw new DriverError(
          "unreachable",
          "the session in which the configuration was last read is gone: nothing was saved, read it first",
        );
      mayAct(true);
      const { output } = await session.run("write", { deadlineMs: deadlines.saveMs });
      if (output.some((line) => dialect.saved.test(line))) return;
      const fault = refusedBy(output, 'the device did not answer "...done"');
      mayAct(fault.code !== "busy");
      throw fault;
    });
  }

  return {
    status,
    describe: () => known.describe(),
    read: (signal) => known.read(readTexts, signal),
    render: (steps) => known.render(steps),
    apply,
    save,
    backup: (signal) =>
      known.backup(() =>
        within("reading the INI file", readMs, signal, async (session) => (await iniFile(signal)) ?? showIni(session)),
      ),
    warm: () => login.warm(),
    close: () => login.close(),
  };
}

function requireKey(device: string, key: SshOptions["privateKey"]): void {
  if (key === undefined) return;
  // What is wrong with it may quote it.
  if (ssh2.utils.parseKey(key.pem, key.passphrase) instanceof Error)
    throw new DriverError("unsupported", `${device}: its private key is none that can be read with its passphrase`);
}
