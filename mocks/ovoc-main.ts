import { parseArgs } from "node:util";
import { startMockOvoc } from "./ovoc.ts";

const usage = `A mock OVOC.

  --port N           port on the loopback address (0: any)
  --control-port N   port of the control side (0: any)
  --user NAME        operator (ovoc)
  --password TEXT    and the password (ovoc)
  --help             this text

Prints one line of JSON when ready: url, control.
`;

const text = { type: "string" } as const;

function port(option: string, value: string | undefined): number {
  if (value === undefined) return 0;
  if (!/^\d+$/.test(value) || Number(value) > 65_535) throw new Error(`--${option} takes a number up to 65535`);
  return Number(value);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: text, "control-port": text, user: text, password: text, help: { type: "boolean" } },
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
