import ssh2 from "ssh2";
import type { Attributes, SFTPWrapper } from "ssh2";
import type { Device } from "./device.ts";
import { printIni } from "./print-ini.ts";

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;

const folder = "/configuration";
const file = `${folder}/ini.ini`;
const folderMode = 0o040555;
const fileMode = 0o100444;
const largestRead = 32_768;

/** Serves one file, `/configuration/ini.ini`, as it is when it is opened. Everything else is refused. */
export function serveSftp(device: Device, sftp: SFTPWrapper): void {
  const files = new Map<number, Buffer>();
  const listings = new Map<number, string[]>();
  let nextHandle = 0;

  function newHandle(): { number: number; bytes: Buffer } {
    const number = nextHandle;
    nextHandle += 1;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return { number, bytes };
  }

  const numberOf = (handle: Buffer): number => (handle.length === 4 ? handle.readUInt32BE(0) : -1);
  const text = (): Buffer =>
    Buffer.from(printIni(device.look({ method: "SFTP", path: file }), device.identity), "utf8");

  function attributesOf(path: string): Attributes | undefined {
    const times = { uid: 0, gid: 0, atime: 0, mtime: 0 };
    if (path === "/" || path === folder) return { ...times, mode: folderMode, size: 0 };
    return path === file ? { ...times, mode: fileMode, size: text().length } : undefined;
  }

  function tellAttributes(request: number, path: string): void {
    const attributes = attributesOf(resolve(path));
    if (attributes === undefined) sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
    else sftp.attrs(request, attributes);
  }

  sftp.on("REALPATH", (request, path) => {
    const filename = resolve(path);
    sftp.name(request, [{ filename, longname: filename, attrs: attributesOf(filename) ?? noAttributes }]);
  });
  sftp.on("STAT", tellAttributes);
  sftp.on("LSTAT", tellAttributes);
  sftp.on("OPEN", (request, path, flags) => {
    if (resolve(path) !== file) {
      sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
      return;
    }
    if ((flags & ~OPEN_MODE.READ) !== 0) {
      sftp.status(request, STATUS_CODE.PERMISSION_DENIED);
      return;
    }
    const { number, bytes } = newHandle();
    files.set(number, text());
    sftp.handle(request, bytes);
  });
  sftp.on("READ", (request, handle, offset, length) => {
    const content = files.get(numberOf(handle));
    if (content === undefined) {
      sftp.status(request, STATUS_CODE.FAILURE);
      return;
    }
    if (offset >= content.length) {
      sftp.status(request, STATUS_CODE.EOF);
      return;
    }
    sftp.data(request, content.subarray(offset, offset + Math.min(length, largestRead)));
  });
  sftp.on("FSTAT", (request, handle) => {
    const content = files.get(numberOf(handle));
    if (content === undefined) {
      sftp.status(request, STATUS_CODE.FAILURE);
      return;
    }
    sftp.attrs(request, { ...noAttributes, mode: fileMode, size: content.length });
  });
  sftp.on("OPENDIR", (request, path) => {
    const inside = { "/": ["configuration"], [folder]: ["ini.ini"] }[resolve(path)];
    if (inside === undefined) {
      sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
      return;
    }
    const { number, bytes } = newHandle();
    listings.set(number, [...inside]);
    sftp.handle(request, bytes);
  });
  sftp.on("READDIR", (request, handle) => {
    const names = listings.get(numberOf(handle));
    if (names === undefined) {
      sftp.status(request, STATUS_CODE.FAILURE);
      return;
    }
    if (names.length === 0) {
      sftp.status(request, STATUS_CODE.EOF);
      return;
    }
    sftp.name(
      request,
      names.splice(0).map((filename) => ({ filename, longname: filename, attrs: noAttributes })),
    );
  });
  sftp.on("CLOSE", (request, handle) => {
    const number = numberOf(handle);
    const isKnown = files.delete(number) || listings.delete(number);
    sftp.status(request, isKnown ? STATUS_CODE.OK : STATUS_CODE.FAILURE);
  });
}

const noAttributes: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

/** The path from the root, without `.` and `..`. */
function resolve(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
