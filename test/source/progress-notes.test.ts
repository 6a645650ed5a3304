import { expect, it } from "vitest";
import { createProgressNotes } from "../../agent/source/progress-notes.ts";
import type { ExecutionMessage } from "../../agent/store/model.ts";
import { createManualPace } from "./manual-pace.ts";

const message = (text: string): ExecutionMessage => ({ level: "Information", message: text });

it.each([0, 1, 2, 3, 4, 5])("sends what is noted %i turns after the last one was taken", async (turns) => {
  const sent: string[] = [];
  let taken = (): void => undefined;
  const first = new Promise<void>((resolve) => (taken = resolve));
  const client = {
    noteProgress: async (_tasks: readonly string[], { message: text }: ExecutionMessage) => {
      sent.push(text);
      taken();
    },
  };
  const notes = createProgressNotes(client, { warn: () => undefined }, createManualPace());
  notes.note(["wst_1"], message("one"));
  await first;
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  notes.note(["wst_1"], message("two"));
  await notes.flush(60_000);

  expect(sent).toEqual(["one", "two"]);
  await notes.stop();
});
