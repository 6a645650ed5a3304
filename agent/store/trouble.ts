/**
 * The store cannot be written or read: nothing of what was asked for happened. The message says what is wrong and what to
 * do, and names the file; `reason` is the short form for those who shall not know where it lies.
 */
export class StoreTrouble extends Error {
  override readonly name = "StoreTrouble";
  readonly reason: string;

  constructor(file: string, reason: string, advice: string, cause: unknown) {
    super(`the store ${file} cannot be used: ${reason}; ${advice}`, { cause });
    this.reason = reason;
  }
}
