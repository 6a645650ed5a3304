/** One part of a `multipart/form-data` body. The field name may be empty; the device takes the first part anyway. */
export interface Part {
  readonly field: string;
  readonly filename: string;
  readonly content: Buffer;
}

/** The first part of a multipart body; undefined when the body is not one (a raw upload is not supported). */
export function readFirstPart(contentType: string | undefined, body: Buffer): Part | undefined {
  const boundary = /^multipart\/form-data\s*;.*boundary="?([^";]+)"?/i.exec(contentType ?? "")?.[1];
  if (boundary === undefined) return undefined;
  const marker = `--${boundary}`;
  const start = body.indexOf(marker);
  if (start < 0) return undefined;
  const headersStart = start + marker.length + 2;
  const headersEnd = body.indexOf("\r\n\r\n", headersStart - 2);
  const end = body.indexOf(`\r\n${marker}`, Math.max(headersEnd, headersStart));
  if (headersEnd < 0 || end < 0) return undefined;
  const headers = body.toString("latin1", headersStart, headersEnd);
  const disposition = /^content-disposition:.*$/im.exec(headers)?.[0] ?? "";
  return {
    field: /[;\s]name="([^"]*)"/i.exec(disposition)?.[1] ?? "",
    filename: /filename="([^"]*)"/i.exec(disposition)?.[1] ?? "",
    content: body.subarray(headersEnd + 4, Math.max(end, headersEnd + 4)),
  };
}
