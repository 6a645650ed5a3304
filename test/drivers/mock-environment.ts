import type { Driver, DriverOptions } from "../../drivers/driver.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import type { ContractFault, DeviceState, DriverEnvironment } from "./contract-environment.ts";

/** One request to the control side of a mock. Throws for an answer that is no success. */
export async function control(mock: MockSbc, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(mock.control + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

export async function stateOf(mock: MockSbc): Promise<DeviceState> {
  return (await control(mock, "GET", "/state")) as DeviceState;
}

/** The environment of the contract over one mock: how a driver reaches it, and which faults make the contract's trouble there. */
export function environmentOf(
  mock: MockSbc,
  open: (more?: Partial<DriverOptions>) => Driver,
  orderOf: (fault: ContractFault) => FaultOrder | FaultOrder[],
): DriverEnvironment {
  return {
    open,
    state: () => stateOf(mock),
    edit: async (lines) => {
      await control(mock, "POST", "/edit", { lines });
    },
    fault: async (fault) => {
      await control(mock, "POST", "/faults", orderOf(fault));
    },
    failedLogIns: async () => ((await control(mock, "GET", "/stats")) as { failedLogins: number }).failedLogins,
    stop: () => mock.stop(),
  };
}
