import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { generations } from "./generations.ts";
import { models } from "./limits.ts";
import type { MockSbcOptions } from "./mock-sbc.ts";
import { startMockSbc } from "./mock-sbc.ts";
import type { SettingsPatch } from "./settings.ts";

const labels = generations.map((generation) => generation.label);

const usage = `A mock AudioCodes Mediant SBC.

  --rest-port N      port of REST on the loopback address (0: any)
  --control-port N   port of the control side (0: any)
  --ssh-port N       port of SSH (0: any); without it, no SSH is served
  --plain-port N     port of the same shell on bare TCP, log-in dialogue included (0: any)
  --host ADDRESS     address to listen on (127.0.0.1)
  --ini FILE         INI file to start from (factory state), full or a part. Its FORMAT lines and version say of
                     which generation the device is: its columns, CLI parameters and ways of printing
  --name NAME        device name (the one of the file)
  --firmware V       firmware version, as in 7.40A.250.440; says the generation where no file does
  --model MODEL      ${models.join(", ")}
  --serial N         serial number (the one of the file)
  --ha               behave as a pair in high availability
  --user NAME        Security Administrator (Admin)
  --password TEXT    and the password (Admin)
  --enable-password TEXT   secret of the enable command (Admin)
  --host-key FILE    private key of the SSH server, OpenSSH or PEM, instead of a new one
  --authorized-keys FILE   public keys that let the Security Administrator in, a line each
  --settings JSON    how the device behaves, as PUT /settings takes it: '{"shell":{"landing":"#"}}'
  --latency-ms N     added to every REST request (0)
  --shell-latency-ms N   added to every line of a shell (0)
  --save-ms N        time to write flash (0)
  --boot-ms N        time without an answer after a reset (0)
  --http             REST without TLS
  --cert FILE --key FILE   certificate and key, PEM, instead of a new self-signed one
  --help             this text

Generations: ${labels.join(", ")}.

Prints one line of JSON when ready: rest, control, fingerprint256, certificate; with SSH also ssh and hostKeySha256,
with --plain-port also plain. What it could not take of the file,
such as rows beyond the limits of the model, it counts on standard error.
`;

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

function readOptions(args: string[]): MockSbcOptions | "help" {
  const { values } = parseArgs({
    args,
    options: {
      "rest-port": text,
      "control-port": text,
      "ssh-port": text,
      "plain-port": text,
      host: text,
      ini: text,
      name: text,
      firmware: text,
      model: text,
      serial: text,
      ha: flag,
      user: text,
      password: text,
      "enable-password": text,
      "host-key": text,
      "authorized-keys": text,
      settings: text,
      "latency-ms": text,
      "shell-latency-ms": text,
      "save-ms": text,
      "boot-ms": text,
      http: flag,
      cert: text,
      key: text,
      help: flag,
    },
  });
  if (values.help === true) return "help";
  if ((values.cert === undefined) !== (values.key === undefined)) throw new Error("--cert and --key go together");
  return {
    ...given("restPort", number("rest-port", values["rest-port"], 65_535)),
    ...given("controlPort", number("control-port", values["control-port"], 65_535)),
    ...given("sshPort", number("ssh-port", values["ssh-port"], 65_535)),
    ...given("plainPort", number("plain-port", values["plain-port"], 65_535)),
    ...given("host", values.host),
    ...given("ini", readOptional(values.ini)),
    ...given("name", values.name),
    ...given("firmware", firmware(values.firmware)),
    ...given("model", values.model),
    ...given("serialNumber", values.serial),
    ...given("highAvailability", values.ha),
    ...given("user", values.user),
    ...given("password", values.password),
    ...given("enablePassword", values["enable-password"]),
    ...given("hostKey", readOptional(values["host-key"])),
    ...given("authorizedKeys", readOptional(values["authorized-keys"])?.split("\n").filter(isKeyLine)),
    ...given("settings", readSettings(values.settings)),
    ...given("latencyMs", number("latency-ms", values["latency-ms"])),
    ...given("shellLatencyMs", number("shell-latency-ms", values["shell-latency-ms"])),
    ...given("saveMs", number("save-ms", values["save-ms"])),
    ...given("bootMs", number("boot-ms", values["boot-ms"])),
    ...given("http", values.http),
    ...given("certificate", readPair(values.cert, values.key)),
  };
}

function given<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  const entry: Partial<Record<K, V>> = {};
  if (value !== undefined) entry[key] = value;
  return entry;
}

function number(option: string, value: string | undefined, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value) || Number(value) > most) throw new Error(`--${option} takes a number up to ${most}`);
  return Number(value);
}

function firmware(value: string | undefined): string | undefined {
  if (value !== undefined && !/^\d\.\d\dA\.\d{3}\.\d{3}$/.test(value)) {
    throw new Error("--firmware takes a version such as 7.40A.250.440");
  }
  return value;
}

function readOptional(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, "utf8");
}

function isKeyLine(line: string): boolean {
  return line.trim() !== "" && !line.startsWith("#");
}

/** The keys are checked where the mock starts. */
function readSettings(json: string | undefined): SettingsPatch | undefined {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json) as SettingsPatch;
  } catch {
    throw new Error("--settings takes a JSON object");
  }
}

function readPair(
  cert: string | undefined,
  key: string | undefined,
): { certificatePem: string; keyPem: string } | undefined {
  if (cert === undefined || key === undefined) return undefined;
  return { certificatePem: readFileSync(cert, "utf8"), keyPem: readFileSync(key, "utf8") };
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(usage);
    return;
  }
  const mock = await startMockSbc(options);
  const { rest, control, fingerprint256, certificatePem: certificate } = mock;
  if (mock.ignored.length > 0) {
    process.stderr.write(`${mock.ignored.length} of the file not taken, first ${mock.ignored[0] ?? ""}\n`);
  }
  const ssh = mock.ssh === undefined ? {} : { ssh: mock.ssh, hostKeySha256: mock.hostKeySha256 };
  const plain = mock.plain === undefined ? {} : { plain: mock.plain };
  process.stdout.write(`${JSON.stringify({ rest, control, fingerprint256, certificate, ...ssh, ...plain })}\n`);
  const stop = (): void => void mock.stop();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
