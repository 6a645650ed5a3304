import type { SFTPWrapper } from "ssh2";
import { DriverError } from "./errors.ts";

/** Bytes of the longest file that is taken. */
const maxFileBytes = 64 * 1024 * 1024;
/** Bytes that are asked for at once; a device may give fewer. */
const chunkBytes = 32_768;

/**
 * Reads a whole text file, as long as the device says it is: all of it is asked for at once. Throws what SFTP says, and
 * DriverError `protocol` for a file that is shorter or longer than that. `closed` ends the wait for a lost connection.
 */
export async function readSftpFile(sftp: SFTPWrapper, path: string, closed: Promise<void>): Promise<string> {
  const ended = closed.then(() => {
    throw new DriverError("unreachable", "the connection was closed");
  });
  ended.catch(() => undefined);
  return Promise.race([readWhole(sftp, path), ended]);
}

async function readWhole(sftp: SFTPWrapper, path: string): Promise<string> {
  const handle = await call<Buffer>((done) => sftp.open(path, "r", done));
  try {
    const { size } = await call<{ size: number }>((done) => sftp.fstat(handle, done));
    if (size > maxFileBytes) throw new DriverError("protocol", `${path} has ${size} bytes, which is too long`);
    const bytes = Buffer.alloc(size);
    const starts = Array.from({ length: Math.ceil(size / chunkBytes) }, (_, at) => at * chunkBytes);
    await Promise.all(starts.map((from) => fill(sftp, handle, bytes, from, Math.min(size, from + chunkBytes))));
    return bytes.toString("utf8");
  } finally {
    sftp.close(handle, () => undefined);
  }
}

async function fill(sftp: SFTPWrapper, handle: Buffer, bytes: Buffer, from: number, until: number): Promise<void> {
  let at = from;
  while (at < until) {
    const position = at;
    const got = await call<number>((done) => sftp.read(handle, bytes, position, until - position, position, done));
    if (got === 0) throw new DriverError("protocol", `the file ends after ${position} bytes and not where it said`);
    at += got;
  }
}

function call<T>(ask: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, value) => {
      if (error === undefined || error === null) resolve(value);
      else reject(error);
    });
  });
}
