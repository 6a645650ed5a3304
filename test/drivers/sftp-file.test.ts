import ssh2 from "ssh2";
import { expect, it, onTestFinished } from "vitest";
import { connectSsh } from "../../drivers/ssh-transport.ts";
import { faultOf } from "./fake-device.ts";
import { startOddSsh } from "./odd-ssh-server.ts";

const { STATUS_CODE } = ssh2.utils.sftp;

/** A connection to a device whose one file has a length and announces one. */
async function connectTo(length: number, announced: number, largestRead = 32_768) {
  const content = Buffer.alloc(length, "a");
  const { target } = await startOddSsh({
    sftp(sftp) {
      sftp.on("OPEN", (request) => sftp.handle(request, Buffer.from("1")));
      sftp.on("FSTAT", (request) =>
        sftp.attrs(request, { mode: 0o100600, uid: 0, gid: 0, size: announced, atime: 0, mtime: 0 }),
      );
      sftp.on("READ", (request, _handle, offset, wanted) => {
        if (offset >= length) sftp.status(request, STATUS_CODE.EOF);
        else sftp.data(request, content.subarray(offset, offset + Math.min(wanted, largestRead)));
      });
      sftp.on("CLOSE", (request) => sftp.status(request, STATUS_CODE.OK));
    },
  });
  const [host = "", port] = (target.ssh ?? "").split(":");
  const connection = connectSsh({
    target: { device: "edge-1", host, port: Number(port) },
    trusted: target.hostKeySha256,
    profile: "modern",
    groupExchange: false,
    connectMs: 5_000,
  });
  onTestFinished(() => connection.end());
  await connection.login({ user: "agent", password: "x", privateKey: undefined });
  return connection;
}

it.each([
  [0, 32_768],
  [10, 32_768],
  [32_768, 32_768],
  [131_072, 32_768],
  [300_001, 32_768],
  [70_000, 1_000],
])("a file of %i bytes is read whole, by at most %i at once", async (length, largestRead) => {
  const connection = await connectTo(length, length, largestRead);
  expect(await connection.readFile("/file")).toHaveLength(length);
});

it.each([
  [11, 10],
  [1_500, 1_000],
  [32_769, 32_768],
  [131_073, 131_072],
  [300_002, 300_001],
  [1, 0],
])("a file of %i bytes that announces %i is not taken", async (length, announced) => {
  const connection = await connectTo(length, announced, 1_000);
  expect(await faultOf(connection.readFile("/file"))).toMatchObject({ code: "protocol" });
});

it.each([
  [9, 10],
  [0, 1],
  [200_000, 300_001],
])("a file of %i bytes that announces %i is not taken either", async (length, announced) => {
  const connection = await connectTo(length, announced);
  expect(await faultOf(connection.readFile("/file"))).toMatchObject({ code: "protocol" });
});
