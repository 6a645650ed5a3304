import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { openCliSession } from "../../drivers/cli-session.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { Input } from "./mutate.ts";
import { createRandom } from "./random.ts";
import type { Target } from "./targets.ts";

/** Learns at once: nothing here waits. */
const times = { learnMs: { whole: 0, bare: 0 }, nudgeMs: 60_000 };
const prompt = "Mediant VE SBC# ";
const secret = "the secret of enable";

/** A stream whose bytes arrive when the test says so, and at no other time. */
class Wire extends EventEmitter {
  written = "";
  write(bytes: Buffer | string): boolean {
    this.written += bytes.toString();
    return true;
  }
}

/** Nothing but a DriverError may come of it. */
async function settle<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof DriverError) return undefined;
    throw error;
  }
}

/** Bytes in chunks whose sizes follow from the text. */
function* chunksOf(text: string): Generator<Buffer, void, undefined> {
  const bytes = Buffer.from(text, "utf8");
  const random = createRandom(bytes.length);
  for (let from = 0; from < bytes.length;) {
    const size = 1 + random.next(random.pick([1, 4, 64, 1_500]));
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

/** Two lines and their answers, after a greeting whose prompt was learnt. */
export function terminalTarget(configuration: string): Target {
  const some = configuration.slice(0, 600);
  const log = "[S=1] [SID=0] Alarm: Ethernet link is up\r\n";
  const samples = [
    `enable\r\nPassword: \r\n${prompt}show running-config\r\n${some}\r\n${prompt}`,
    `enable\r\nPassword: ${log}\r\n${prompt}${log}show running-config\r\n${some}\r\n --MORE--\b\b\b   \r\n${prompt}`,
    `enable\n${prompt}show running-config\n% Invalid command\n${prompt}`,
    `enable\r\nMediant VE SBC(configure-voip)*# ssshhhooowww\r\nPassword: \r\nPassword: \r\n${prompt}`,
  ];
  return {
    name: "terminal",
    samples,
    async check({ text, isCut }: Input) {
      const wire = new Wire();
      const session = openCliSession(wire as unknown as Duplex, times);
      const started = settle(session.start(60_000));
      wire.emit("data", Buffer.from(`\r\nWelcome\r\n${prompt}`, "utf8"));
      await started;
      const lines = ["enable", "show running-config"];
      const answers = lines.map((line) => settle(session.run(line, { deadlineMs: 60_000, secret })));
      await Promise.resolve();
      for (const chunk of chunksOf(text)) wire.emit("data", chunk);
      wire.emit("end");
      const [, shown] = await Promise.all(answers);
      if (isCut && shown !== undefined) throw new Error("an answer without its prompt was taken for a whole one");
      if (session.broken() === undefined) throw new Error("a session outlived its stream");
      if (wire.written.split(secret).length > 1 + lines.length) throw new Error("a secret was typed more than once");
    },
  };
}
