/** What the parts of the hand-made portal have in common. */

export type Fields = Record<string, string>;
export type Json = Record<string, unknown>;
export type Route =
  "poll" | "claim" | "work" | "renew" | "release" | "sent" | "complete" | "links" | "progress" | "adoptable" | "adopt";

export type Completion = Json & { kind: string; taskId: string };

/** Answered with this status and problem details. */
export class Refusal extends Error {
  readonly status: number;
  readonly title: string;
  constructor(status: number, title: string) {
    super(title);
    this.status = status;
    this.title = title;
  }
}

export const struckOut = (secrets: Fields): Fields =>
  Object.fromEntries(Object.keys(secrets).map((name) => [name, "********"]));
