import type { ExecutionMessage } from "./model.ts";

/** What the tasks of amendments say of what happens to them in the store. */

interface Subject {
  shortName: string;
  device: string;
}

const information = (message: string): ExecutionMessage => ({ level: "Information", message });
const warning = (message: string): ExecutionMessage => ({ level: "Warning", message });

export const amendmentWords = {
  accepted: ({ device }: Subject) => information(`Accepted; waiting for device ${device}.`),
  behind: ({ device, taskId }: { device: string; taskId: string }) =>
    information(`Accepted for device ${device}; task ${taskId}, an older one of the same customer, comes first.`),
  elsewhere: ({ device, taskId }: { device: string; taskId: string }) =>
    information(`Task ${taskId} removes the customer from device ${device}.`),
  goneAtOnce: (shortName: string) => information(`Customer ${shortName} had no rows on a device and is removed.`),
  siteLeftOut: (shortName: string, taskId: string) =>
    warning(`Task ${taskId} removes customer ${shortName}; its site in OVOC was not waited for.`),
  givenUp: ({ shortName, device }: Subject) =>
    warning(
      `Customer ${shortName} was given up without device ${device}: what stands there is removed at the next contact, unless the tenant holds the name again by then.`,
    ),
  changeGivenUp: ({ shortName, device }: Subject): ExecutionMessage => ({
    level: "Error",
    message: `Customer ${shortName} was given up on device ${device} before it was changed. What was sent to the device, if anything, goes with its removal.`,
  }),
};
