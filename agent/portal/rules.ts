import type { ExecutionMessage } from "../store/model.ts";
import type { Facts, Judge, NewConversion, Verdict } from "../store/judgement.ts";

const error = (message: string): ExecutionMessage => ({ level: "Error", message });
const information = (message: string): ExecutionMessage => ({ level: "Information", message });

const longestFullName = 200;

/** The strict intersection of what Live Platform's pages allow; the literals are its server's own. */
function nameErrors({ shortName, fullName }: NewConversion): ExecutionMessage[] {
  const errors: string[] = [];
  if (shortName.length < 3 || shortName.length > 15)
    errors.push("'Customer Short Name' must be between 3 and 15 characters.");
  if (/[^A-Za-z0-9_]/.test(shortName))
    errors.push("Customer Short Name contains invalid characters. Allowed characters: letters, numbers and '_'.");
  if (fullName.length < 1 || fullName.length > longestFullName)
    errors.push(`'Customer Full Name' must be between 1 and ${longestFullName} characters.`);
  if (/[^A-Za-z0-9_' ]/.test(fullName))
    errors.push(
      "Customer Full Name contains invalid characters. Allowed characters: letters, numbers, _, ' and space.",
    );
  return errors.map(error);
}

const failed = (...messages: ExecutionMessage[]): Verdict => ({ kind: "failed", details: ["Failed"], messages });

function judgeDevice({ shortName, gateway, device }: NewConversion, { nameHolder, gatewayAwaited }: Facts): Verdict {
  if (device === null && gatewayAwaited)
    return {
      kind: "unplaced",
      message: information(
        `No agent announces gateway '${gateway ?? ""}' now; customer ${shortName} waits until one does.`,
      ),
    };
  if (device === null)
    return failed(
      error(
        `Gateway '${gateway ?? ""}' of customer ${shortName} is unknown: no device in the inventory has it. ` +
          "Correct OnlinePstnGateway, or add the gateway to its device in the configuration (and see that its agent runs), then post the conversion again.",
      ),
    );
  if (nameHolder !== undefined)
    return failed(
      error(
        `Short name ${shortName} is held on device ${device} by customer ${nameHolder.shortName} of tenant ` +
          `${nameHolder.tenantId}. Choose another customerShortName and post the conversion again.`,
      ),
    );
  return { kind: "device", message: information(`Accepted; waiting for device ${device}.`) };
}

/**
 * Live Platform's business rules. Names that break its rules end as the task's result, as there; of all name errors each
 * is told.
 */
export const judge: Judge = (conversion, facts) => {
  const names = nameErrors(conversion);
  if (names.length > 0) return failed(...names);
  if (facts.customer !== undefined && facts.leaving === undefined)
    return {
      kind: "already-converted",
      messages: [{ level: "Warning", message: "Undo Lead to OcBasic conversion in database!" }],
    };
  if (facts.older !== undefined)
    return {
      kind: "wait",
      message: information(
        `Customer ${conversion.shortName} waits for task ${facts.older.taskId}, an older conversion of the same tenant.`,
      ),
    };
  if (facts.leaving !== undefined)
    return {
      kind: "wait",
      message: information(
        `Customer ${conversion.shortName} waits for task ${facts.leaving.taskId}, which removes the customer that the tenant is now.`,
      ),
    };
  if (facts.lead?.status.toLowerCase() !== "active")
    return {
      kind: "failed",
      details: ["ValidationFailed"],
      messages: [error("Validation failed: Empty or invalid customer lead ID"), information("Workflow completed.")],
    };
  if (conversion.variant === "tenant") return { kind: "site" };
  return judgeDevice(conversion, facts);
};
