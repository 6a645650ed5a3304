import { createHash } from "node:crypto";

/*
 * Secrets are held as the device shows them in an INI file: `$1$` and base64. How a real device obscures is its own
 * affair; this mock masks with a fixed key stream, so that what it printed can be read back, and no clear text shows.
 */
const prefix = "$1$";
const hexBytes = 48;

function keyStream(length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < length; block += 1) {
    blocks.push(createHash("sha256").update(`mock ${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function mask(bytes: Buffer): Buffer {
  const key = keyStream(bytes.length);
  return Buffer.from(bytes.map((byte, position) => byte ^ (key[position] ?? 0)));
}

/** The stored form of a secret; the empty secret is empty. */
export function obscure(clear: string): string {
  return clear === "" ? "" : prefix + mask(Buffer.from(clear, "utf8")).toString("base64");
}

/** Whether a text is a secret in the stored form. */
export function isObscured(text: string): boolean {
  return text.startsWith(prefix);
}

/** Stored form of a cell of an INI file: an obscured value stays, clear text is obscured. */
export function obscureCell(cell: string): string {
  return isObscured(cell) ? cell : obscure(cell);
}

function reveal(stored: string): Buffer {
  return mask(Buffer.from(stored.slice(prefix.length), "base64"));
}

/** The form of `password <hex> obscured` in a running configuration: 96 hex digits, or 192 for a long secret. */
export function printObscured(stored: string): string {
  const clear = reveal(stored);
  const size = clear.length + 1 > hexBytes ? hexBytes * 2 : hexBytes;
  const padded = Buffer.alloc(size);
  padded[0] = clear.length;
  clear.copy(padded, 1);
  return mask(padded).toString("hex");
}

/** Reads what `printObscured` printed; undefined when it is not such a text. */
export function readObscured(hex: string): string | undefined {
  if (!/^(?:[0-9a-f]{96}|[0-9a-f]{192})$/i.test(hex)) return undefined;
  const padded = mask(Buffer.from(hex, "hex"));
  const length = padded[0] ?? 0;
  if (length >= padded.length || padded.subarray(length + 1).some((byte) => byte !== 0)) return undefined;
  return prefix + mask(padded.subarray(1, length + 1)).toString("base64");
}

/** What a test may know of a secret: whether there is one, and the SHA-256 of its clear text. */
export function describeSecret(stored: string): { set: boolean; sha256?: string } {
  if (stored === "") return { set: false };
  return { set: true, sha256: createHash("sha256").update(reveal(stored)).digest("hex") };
}
