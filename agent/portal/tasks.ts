import { z } from "zod";
import type { Task } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import type { App } from "./access.ts";
import { commonProblems, Problem, problemResponse } from "./problem.ts";

const taskAnswer = z.object({
  id: z.string(),
  status: z
    .string()
    .describe("CompletedSuccess, CompletedFailed, or the configured word for a task that has not ended"),
  details: z
    .array(z.string().nullable())
    .describe(
      "Converted, Failed, ValidationFailed, CustomerAlreadyConverted; empty until the end; null where a customer was removed or changed",
    ),
  executionMessages: z.array(z.object({ level: z.enum(["Information", "Warning", "Error"]), message: z.string() })),
  outputData: z.object({ umpCustomerGuid: z.string().nullable() }),
  createTime: z.string().describe("when it was accepted: ISO 8601, UTC"),
});
type TaskAnswer = z.infer<typeof taskAnswer>;

/** A task as Live Platform prints it. `inProgressStatus` is its word for a task that has not ended, which no page shows. */
function printTask(task: Task, inProgressStatus: string): TaskAnswer {
  const ended = task.status !== "InProgress";
  const details = task.details.length === 0 ? [null] : task.details;
  return {
    id: task.id,
    status: ended ? task.status : inProgressStatus,
    details: ended ? details : [],
    executionMessages: task.messages.map(({ level, message }) => ({ level, message })),
    outputData: { umpCustomerGuid: task.umpCustomerGuid },
    createTime: new Date(task.createdAt).toISOString(),
  };
}

/** Get Task, under each of `prefixes`; only the first is documented. */
export function addTaskRoutes(
  app: App,
  { store, inProgressStatus, prefixes }: { store: PortalStore; inProgressStatus: string; prefixes: readonly string[] },
): void {
  for (const [i, prefix] of prefixes.entries())
    app.route({
      method: "GET",
      url: `${prefix}/api/v2/task/:taskId`,
      config: { access: ["client"] },
      schema: {
        hide: i > 0,
        tags: ["portal"],
        summary: "One task: how far it is, or its result",
        params: z.object({ taskId: z.string().describe("opaque, as it was given out") }),
        response: { 200: taskAnswer, 404: problemResponse, ...commonProblems },
      },
      handler: async (request) => {
        const task = await store.task(request.params.taskId);
        if (task === undefined) throw new Problem(404, `Task ${request.params.taskId} is not known here.`);
        return printTask(task, inProgressStatus);
      },
    });
}
