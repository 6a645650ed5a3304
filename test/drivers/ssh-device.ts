import type { Driver, DriverOptions, SshOptions } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import type { ContractFault, DriverEnvironment } from "./contract-environment.ts";
import { environmentOf } from "./mock-environment.ts";

export const password = "hunter2-correct";
const enablePassword = "enable-hunter3";

/** Other than usual; an undefined secret is one that nobody has. */
type ShellChoices = Partial<Omit<SshOptions, "enablePassword">> & { enablePassword?: string | undefined };

const shell: SshOptions = {
  enablePassword,
  profile: "modern",
  groupExchange: false,
  pipelineDepth: 24,
  blindRows: false,
  deadlines: { lineMs: 5_000, idleMs: 5_000 },
};

/** A mock device that is reached over SSH. */
export async function startSshMock(options: MockSbcOptions = {}): Promise<MockSbc> {
  return startMockSbc({ user: "agent", password, enablePassword, sshPort: 0, ...options });
}

export function openSshDriver(
  mock: MockSbc,
  more: Partial<Omit<DriverOptions, "ssh">> & { ssh?: ShellChoices } = {},
): Driver {
  const { enablePassword: enable, ...rest } = { ...shell, ...more.ssh };
  return drivers.ssh.open({
    device: "edge-1",
    address: `ssh://${mock.ssh ?? ""}`,
    user: "agent",
    password,
    trust: { kind: "host-key", sha256: mock.hostKeySha256 },
    model: "ve-4gb",
    deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 },
    ...more,
    ssh: { busyLine: /HA synchronization/, ...rest, ...(enable === undefined ? {} : { enablePassword: enable }) },
  });
}

/** The environment of the contract over one mock, with options of the driver's shell. */
export async function startSshDevice(ini: string, ssh: Partial<SshOptions> = {}): Promise<DriverEnvironment> {
  // What a lost connection leaves open is applied: the device did the write before the answer was lost.
  const mock = await startSshMock({ ini, settings: { unfinishedRow: "activate" } });
  return environmentOf(mock, (more) => openSshDriver(mock, { ...more, ssh: { ...ssh, ...more?.ssh } }), orderOf);
}

function orderOf(fault: ContractFault): FaultOrder | FaultOrder[] {
  switch (fault.kind) {
    case "busy":
      return { name: "ha-sync" };
    case "refused line":
      return { name: "reject-line", match: fault.match, text: fault.words };
    case "silent":
      return [
        { name: "shell-silence", match: "activate" },
        { name: "shell-silence", match: "write" },
      ];
    case "lost answer":
      return { name: "shell-close", match: "classify-by-proxy-set", when: "after", times: 1 };
    case "cut read":
      return { name: "truncate-read", path: "running-config" };
    case "refused log-in":
      return { name: "unauthorized-after" };
  }
}
