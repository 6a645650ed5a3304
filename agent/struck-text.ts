const mask = "********";

/** The text with every secret masked, also where it is JSON- or URL-escaped. Empty secrets are ignored. */
export function strikeOut(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter((secret) => secret !== "")
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(Buffer.from(secret, "utf8").toString("utf8")),
    ])
    // The longer one first: what it holds would else be struck out of it, and the rest of it stay.
    .sort((one, other) => other.length - one.length);
  return spellings.reduce((struck, spelling) => struck.replaceAll(spelling, () => mask), text);
}
