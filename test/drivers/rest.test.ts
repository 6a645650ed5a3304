import { drivers } from "../../drivers/index.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { testDriver, testReadingDriver } from "../driver-contract.ts";
import type { ContractFault, DeviceState, DriverEnvironment } from "./contract-environment.ts";
import { late70, of2019, of2022, of2025 } from "./generations.ts";

async function startRestDevice(ini: string): Promise<DriverEnvironment> {
  const mock = await startMockSbc({ ini, user: "agent", password: "hunter2-correct" });
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(mock.control + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    open: (more) =>
      drivers.rest.open({
        device: "edge-1",
        address: mock.rest,
        user: "agent",
        password: "hunter2-correct",
        trust: { kind: "certificate", pem: mock.certificatePem, checkName: true },
        model: "ve-4gb",
        deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 },
        ...more,
      }),
    state: async () => (await control("GET", "/state")) as DeviceState,
    edit: async (lines) => {
      await control("POST", "/edit", { lines });
    },
    fault: async (fault) => {
      await control("POST", "/faults", orderOf(fault));
    },
    failedLogIns: async () => ((await control("GET", "/stats")) as { failedLogins: number }).failedLogins,
    stop: () => mock.stop(),
  };
}

function orderOf(fault: ContractFault): FaultOrder | FaultOrder[] {
  switch (fault.kind) {
    case "busy":
      return { name: "ha-sync" };
    case "refused line":
      return { name: "reject-line", match: fault.match, text: fault.words };
    case "silent":
      return [
        { name: "hang", method: "PUT" },
        { name: "hang", method: "POST" },
      ];
    case "lost answer":
      return { name: "cut-after-request", method: "PUT", times: 1 };
    case "cut read":
      return { name: "truncate-read", path: "cliScript" };
    case "refused log-in":
      return { name: "unauthorized-after" };
  }
}

for (const generation of [of2019, of2022, of2025])
  testDriver(`the REST driver on a ${generation.name}`, generation, startRestDevice);

testReadingDriver(`the REST driver on a ${late70.name}`, late70, startRestDevice);
