/** What went wrong at the boundary to a device. Whether it is worth another try follows from the code alone. */
export type DriverErrorCode =
  /** No connection, or it broke: DNS, TCP, TLS set-up, reset. */
  | "unreachable"
  /** The device refused the log-in (401). Never retried: the device blocks the account. */
  | "auth"
  /** The account may not do this (403, or 405 where the method is right). */
  | "forbidden"
  /** The device cannot take it now (409: HA synchronisation, upgrade, save in progress). */
  | "busy"
  /** The device refused a line or the whole script; `deviceText` has its words. */
  | "rejected"
  /** A deadline passed before the answer was complete. */
  | "timeout"
  /** The answer was incomplete or not understood. */
  | "protocol"
  /** The certificate or host key is not the enrolled one. No credentials were sent. */
  | "identity"
  /** This driver or firmware cannot do what was asked. */
  | "unsupported";

export interface DriverErrorDetails {
  /** Whether the device may have acted on the request: `false` only where it certainly has not. */
  mayHaveActed?: boolean;
  /** Whether the device may have refused the log-in without saying so: it broke off once it had a secret. */
  mayBeRefused?: boolean;
  /** The device's own words, secrets struck out. */
  deviceText?: string;
  cause?: unknown;
}

/** Thrown by every driver method. The message says what was tried, on what, and what came back; never a secret. */
export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly code: DriverErrorCode;
  readonly mayHaveActed: boolean;
  readonly mayBeRefused: boolean;
  readonly deviceText: string | undefined;

  constructor(code: DriverErrorCode, message: string, details: DriverErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.mayHaveActed = details.mayHaveActed ?? false;
    this.mayBeRefused = details.mayBeRefused ?? false;
    this.deviceText = details.deviceText;
  }
}
