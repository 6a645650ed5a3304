import { parseArgs } from "node:util";
import { startMockOvoc } from "./ovoc.ts";

const usage = `A mock OVOC.

  --port N           port on the loopback address (0: any)
  --control-port N   port of the control side (0: any)
  --user NAME        operator (ovoc)
  --password TEXT    and the password (ovoc)
  --token TEXT       a bearer token that is wanted in place of operator and password
  --base-path PATH   what stands before /ovoc/v1, for example /tenantui/api (nothing)
  --device NAME=IP   a device of its topology, by ipAddress; may be given again
  --help             this text

Prints one line of JSON when ready: url, control.
The control side: GET /state, GET /received, and GET, POST, DELETE /faults. A fault is {"name": ...} with, where wanted,
"times", "path", "method". Names: down, slow (ms), hang (processed), cut (processed), error (status, processed),
malformed, no-match (answer: list or nothing), no-filter.
`;

const text = { type: "string" } as const;

function port(option: string, value: string | undefined): number {
  if (value === undefined) return 0;
  if (!/^\d+$/.test(value) || Number(value) > 65_535) throw new Error(`--${option} takes a number up to 65535`);
  return Number(value);
}

function device(value: string): { name: string; ipAddress: string } {
  const [, name, ipAddress] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  if (name === undefined || ipAddress === undefined) throw new Error("--device takes NAME=IP");
  return { name, ipAddress };
}

function basePath(value: string): string {
  if (!/^\/.*[^/]$/.test(value)) throw new Error("--base-path takes a path with a slash before and none behind it");
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: text,
      "control-port": text,
      user: text,
      password: text,
      token: text,
      "base-path": text,
      device: { type: "string", multiple: true },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return;
  }
  const mock = await startMockOvoc({
    port: port("port", values.port),
    controlPort: port("control-port", values["control-port"]),
    user: values.user ?? "ovoc",
    password: values.password ?? "ovoc",
    ...(values.token === undefined ? {} : { token: values.token }),
    ...(values["base-path"] === undefined ? {} : { basePath: basePath(values["base-path"]) }),
    entities: { devices: (values.device ?? []).map(device) },
  });
  process.stdout.write(`${JSON.stringify({ url: mock.url, control: mock.control })}\n`);
  const stop = (): void => void mock.stop();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
