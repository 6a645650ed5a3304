import { randomBytes } from "node:crypto";

/** A multipart/form-data body with one file, as devices take it (device REST guide, File Upload Encoding). */
export interface Multipart {
  contentType: string;
  body: Buffer;
}

/** Wraps a text as the file of field `file`. Lines of the envelope end in CRLF; the text is sent as it is. */
export function multipartFile(filename: string, text: string): Multipart {
  let boundary: string;
  do boundary = `sbc-agent-${randomBytes(16).toString("hex")}`;
  while (text.includes(boundary));
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="file"; filename="${filename}"`,
    "Content-Type: application/octet-stream",
    "",
    "",
  ].join("\r\n");
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.from(`${head}${text}\r\n--${boundary}--\r\n`, "utf8"),
  };
}
