import { DriverError } from "../../drivers/errors.ts";
import { Ambiguous } from "../explanation/explainer.ts";
import { Problem } from "../portal/problem.ts";
import { NotFound } from "./operations.ts";

/** Nothing that does not exist here, and no device that fails, is a failure of the server. */
export async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotFound) throw new Problem(404, error.message);
    if (error instanceof Ambiguous) throw new Problem(409, error.message);
    if (error instanceof DriverError) throw new Problem(502, error.message, { title: `Device error: ${error.code}` });
    throw error;
  }
}
