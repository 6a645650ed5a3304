import { readFileSync } from "node:fs";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";

/** What `devices-process` is told, as JSON in its first argument. */
export interface DevicesOrder {
  count: number;
  iniFile: string;
  model: string;
  saveMs: number;
  /** Whether they have a shell. */
  ssh: boolean;
}

/** What it prints, one for each device, as JSON in one line. */
export interface DeviceAddress {
  restPort: number;
  control: string;
  certificatePem: string;
  /** 0 and empty without a shell. */
  sshPort: number;
  hostKeySha256: string;
}

/** Mock devices in a process of their own, so that nothing of their work is counted as the agent's. */
async function main(): Promise<void> {
  const { count, iniFile, model, saveMs, ssh } = JSON.parse(process.argv[2] ?? "") as DevicesOrder;
  const ini = readFileSync(iniFile, "utf8");
  const mocks: MockSbc[] = [];
  for (let i = 0; i < count; i += 1)
    mocks.push(
      await startMockSbc({ ini, model, saveMs, serialNumber: String(100_000 + i), ...(ssh ? { sshPort: 0 } : {}) }),
    );
  const addresses = mocks.map(({ rest, control, certificatePem, ssh: shell, hostKeySha256 }): DeviceAddress => ({
    restPort: Number(new URL(rest).port),
    control,
    certificatePem,
    sshPort: Number(shell?.split(":")[1] ?? 0),
    hostKeySha256,
  }));
  process.stdout.write(`${JSON.stringify(addresses)}\n`);
  const stop = (): void => {
    process.stdin.destroy();
    for (const mock of mocks) void mock.stop();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Whoever started this is gone.
  process.stdin.once("end", stop).resume();
}

await main();
