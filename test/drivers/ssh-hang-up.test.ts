import { inspect } from "node:util";
import type { AuthContext, Connection } from "ssh2";
import { expect, it } from "vitest";
import { faultOf, never } from "./fake-device.ts";
import { startOddSsh } from "./odd-ssh-server.ts";
import { openSshDriver, password } from "./ssh-device.ts";

function disconnect(client: Connection, reason: number): void {
  const { _protocol: protocol } = client as unknown as { _protocol: { disconnect(reason: number): void } };
  protocol.disconnect(reason);
}

const hangUps: [how: string, refuse: (context: AuthContext, client: Connection, destroy: () => void) => void][] = [
  ["by DISCONNECT 2", (_context, client) => disconnect(client, 2)],
  ["by an orderly end", (_context, client) => client.end()],
  ["by closing the connection", (_context, _client, destroy) => destroy()],
];

it("a log-in that is refused by DISCONNECT 14 is auth, and is not repeated", async () => {
  const { target, tries } = await startOddSsh({ authenticate: (_context, client) => disconnect(client, 14) });
  const driver = openSshDriver(target);
  expect(await faultOf(driver.status(never))).toMatchObject({ code: "auth", mayHaveActed: false });
  expect(tries()).toBe(1);
  await driver.close();
});

it.each(hangUps)("a log-in that ends %s may have been refused, and is not repeated", async (_how, refuse) => {
  const { target, tries } = await startOddSsh({
    authenticate: (context, client, socket) => refuse(context, client, () => socket.destroy()),
  });
  const driver = openSshDriver(target);
  const fault = await faultOf(driver.status(never));
  expect(fault).toMatchObject({ code: "unreachable", mayHaveActed: false, mayBeRefused: true });
  expect(fault.message).toContain("may have refused");
  expect(inspect(fault, { depth: 9 })).not.toContain(password);
  expect(tries()).toBe(1);
  await driver.close();
});

it("a device that takes no more connections and says so is busy, also when it says so late", async () => {
  const { target } = await startOddSsh({ authenticate: (_context, client) => disconnect(client, 12) });
  const driver = openSshDriver(target);
  expect(await faultOf(driver.status(never))).toMatchObject({ code: "busy" });
  await driver.close();
});

it("a log-in that is never answered is late, and counts for nothing", async () => {
  const { target } = await startOddSsh({ authenticate: () => undefined });
  const driver = openSshDriver(target, {
    deadlines: { connectMs: 300, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 },
  });
  expect(await faultOf(driver.status(never))).toMatchObject({
    code: "timeout",
    mayHaveActed: false,
    mayBeRefused: false,
  });
  await driver.close();
});

it("a shell that is closed behind the secret of enable may have refused it", async () => {
  const { target } = await startOddSsh({
    shell(channel, client) {
      channel.write("Mediant SW> ");
      let heard = "";
      channel.on("data", (bytes: Buffer) => {
        heard += bytes.toString();
        if (heard === "enable\r") channel.write("enable\r\nPassword: ");
        else if (heard.startsWith("enable\r") && heard.endsWith("\r")) client.end();
      });
    },
  });
  const driver = openSshDriver(target, { ssh: { enablePassword: "wrong-enable" } });
  const fault = await faultOf(driver.status(never));
  expect(fault).toMatchObject({ code: "unreachable", mayHaveActed: false, mayBeRefused: true });
  expect(inspect(fault, { depth: 9 })).not.toContain("wrong-enable");
  await driver.close();
});

it("a shell that is closed at enable, before the secret was typed, refused nothing", async () => {
  const { target } = await startOddSsh({
    shell(channel, client) {
      channel.write("Mediant SW> ");
      channel.on("data", () => client.end());
    },
  });
  const driver = openSshDriver(target, { ssh: { enablePassword: "never-typed" } });
  expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable", mayBeRefused: false });
  await driver.close();
});

type Prompts = { prompt: string; echo: boolean }[];

/** A device that takes nothing but answers to its questions. Tells what it was answered. */
async function startQuestions(rounds: Prompts[]) {
  const answered: string[][] = [];
  const { target } = await startOddSsh({
    authenticate(context) {
      if (context.method !== "keyboard-interactive") {
        context.reject(["keyboard-interactive"]);
        return;
      }
      const ask = (round: number): void => {
        const prompts = rounds[round];
        if (prompts === undefined) context.accept();
        else
          context.prompt(prompts, (answers) => {
            answered.push(answers);
            ask(round + 1);
          });
      };
      ask(0);
    },
    shell(channel) {
      channel.write("Mediant SW> ");
      channel.on("data", () =>
        channel.write("show system version\r\n;Software Version: 7.40A.250.440\r\nMediant SW> "),
      );
    },
  });
  return { target, answered };
}

it("the one question of a log-in that has no echo is answered with the password", async () => {
  const { target, answered } = await startQuestions([[{ prompt: "Password: ", echo: false }]]);
  const driver = openSshDriver(target, { ssh: { enablePassword: undefined } });
  await driver.status(never);
  expect(answered).toEqual([[password]]);
  await driver.close();
});

it.each<[name: string, rounds: Prompts[], answers: number]>([
  ["a second round", [[{ prompt: "Password: ", echo: false }], [{ prompt: "New password: ", echo: false }]], 1],
  ["a question with echo", [[{ prompt: "Token: ", echo: true }]], 0],
  [
    "two questions at once",
    [
      [
        { prompt: "Password: ", echo: false },
        { prompt: "PIN: ", echo: false },
      ],
    ],
    0,
  ],
])("%s is not answered, and is auth", async (_name, rounds, answers) => {
  const { target, answered } = await startQuestions(rounds);
  const driver = openSshDriver(target);
  const fault = await faultOf(driver.status(never));
  expect(fault).toMatchObject({ code: "auth", mayHaveActed: false });
  expect(fault.message).toContain(rounds.at(-1)?.[0]?.prompt.trim());
  expect(answered).toHaveLength(answers);
  await driver.close();
});

it("a password that has to be changed is auth", async () => {
  const { target } = await startOddSsh({
    authenticate(context) {
      if (context.method === "password") context.requestChange("Your password has expired", () => undefined);
      else context.reject(["password"]);
    },
  });
  const driver = openSshDriver(target);
  const fault = await faultOf(driver.status(never));
  expect(fault).toMatchObject({ code: "auth" });
  expect(fault.message).toContain("has expired");
  await driver.close();
});
