/**
 * - `unreachable`: no answer, or one that says OVOC is not there (502, 503, 504)
 * - `auth`: the account or token was refused (401, 403), or its secret cannot be read
 * - `busy`: asked to slow down (429)
 * - `rejected`: any other answer that is no success
 * - `protocol`: an answer of an unknown shape; nothing is concluded from it
 * - `conflict`: the name is taken by something else, or stands there more than once
 * - `missing`: OVOC does not have what a link refers to
 * - `name`: a name that OVOC cannot be asked for
 */
export type OvocErrorCode = "unreachable" | "auth" | "busy" | "rejected" | "protocol" | "conflict" | "missing" | "name";

/** Trouble with OVOC. The message says what was tried, where, and what came back; never a secret. */
export class OvocError extends Error {
  override readonly name = "OvocError";
  readonly code: OvocErrorCode;

  constructor(code: OvocErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** Whether every other request would end the same way now: the fault lies with OVOC or its account. */
  get concernsAll(): boolean {
    return this.code === "unreachable" || this.code === "auth" || this.code === "busy";
  }
}
