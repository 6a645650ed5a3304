import type { SFTPWrapper } from "ssh2";
import { DriverError } from "./errors.ts";

/** Bytes of the longest file that is taken. */
const maxFileBytes = 64 * 1024 * 1024;
/** Bytes that are asked for at once; a device may give fewer. */
const chunkBytes = 32_768;
/** Bytes that are asked for before the length is known. */
const firstBytes = 4 * chunkBytes;

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
    const guess = Buffer.alloc(firstBytes);
    // Asked for together: most files are not longer.
    const [{ size }, first] = await Promise.all([
      call<{ size: number }>((done) => sftp.fstat(handle, done)),
      Promise.all(startsOf(firstBytes).map((from) => readAt(sftp, handle, guess, from, from + chunkBytes))),
    ]);
    if (size > maxFileBytes) throw new DriverError("protocol", `${path} has ${size} bytes, which is too long`);
    const bytes = Buffer.alloc(size);
    const fill = async (from: number, at: number) => {
      const until = Math.min(size, from + chunkBytes);
      const have = Math.min(until - from, first[at] ?? 0);
      if (have > 0) guess.copy(bytes, from, from, from + have);
      let done = from + have;
      while (done < until) {
        const got = await readAt(sftp, handle, bytes, done, until);
        if (got === 0) throw new DriverError("protocol", `${path} ends after ${done} bytes and not after ${size}`);
        done += got;
      }
    };
    // Asked for together with what is missing: most often the first chunks have shown it already.
    const isLonger = async () => {
      const chunk = Math.floor(size / chunkBytes);
      const seen = first[chunk];
      if (seen !== undefined && seen > size - chunk * chunkBytes) return true;
      return (await call<number>((done) => sftp.read(handle, Buffer.alloc(1), 0, 1, size, done))) > 0;
    };
    const [longer] = await Promise.all([isLonger(), ...startsOf(size).map(fill)]);
    if (longer)
      throw new DriverError("protocol", `${path} goes on after ${size} bytes, which is all that it announced`);
    return bytes.toString("utf8");
  } finally {
    sftp.close(handle, () => undefined);
  }
}

function startsOf(size: number): number[] {
  return Array.from({ length: Math.ceil(size / chunkBytes) }, (_, at) => at * chunkBytes);
}

/** How many bytes came; 0 at the end of the file. */
function readAt(sftp: SFTPWrapper, handle: Buffer, bytes: Buffer, from: number, until: number): Promise<number> {
  return call<number>((done) => sftp.read(handle, bytes, from, until - from, from, done));
}

function call<T>(ask: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, value) => {
      if (error === undefined || error === null) resolve(value);
      else reject(error);
    });
  });
}
