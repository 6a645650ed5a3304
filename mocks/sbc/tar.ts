const blockSize = 512;

/** A tar archive (ustar) of some small text files. */
export function createTar(files: readonly { readonly name: string; readonly content: string }[]): Buffer {
  const parts = files.flatMap(({ name, content }) => {
    const body = Buffer.from(content, "utf8");
    const padding = Buffer.alloc((blockSize - (body.length % blockSize)) % blockSize);
    return [createHeader(name, body.length), body, padding];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockSize)]);
}

function createHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0, 100, "latin1");
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        0", 148);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
