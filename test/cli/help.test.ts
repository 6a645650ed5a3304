import { expect, it } from "vitest";
import { createFolder } from "./command-line.ts";

const commands = [
  [],
  ["run"],
  ["plan"],
  ["resync"],
  ["drift"],
  ["pause"],
  ["resume"],
  ["status"],
  ["task"],
  ["convert"],
  ["change"],
  ["offboard"],
  ["adopt"],
  ["enroll"],
  ["explain"],
  ["failures"],
  ["audit"],
  ["audit", "verify"],
  ["audit", "show"],
  ["config"],
  ["config", "check"],
];

it.each(commands.map((command) => [command.join(" "), command] as const))(
  "sbc-agent %s --help names what it does, one example, and the exit codes, on stdout",
  async (name, command) => {
    const { code, stdout, stderr } = await createFolder().run([...command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`Example:\n  sbc-agent ${name}`));
    expect(stdout).toMatch(/Exit codes:\n {2}0 {2}\S.*\n {2}1 {2}\S.*\n {2}2 {2}\S/);
    expect(stdout).toContain("--config <file>");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  },
);

it.each(["plan", "resync"])("%s documents exit code 3", async (command) => {
  expect((await createFolder().run([command, "--help"])).stdout).toMatch(/^ {2}3 {2}changes are pending/m);
});

it.each([
  "plan",
  "resync",
  "drift",
  "pause",
  "resume",
  "status",
  "task",
  "explain",
  "failures",
  "convert",
  "change",
  "offboard",
  "adopt",
  "enroll",
])("%s prints JSON when asked to", async (command) => {
  expect((await createFolder().run([command, "--help"])).stdout).toContain("--json");
});

it.each([
  ["no command", []],
  ["an unknown command", ["stauts"]],
  ["an unknown option", ["status", "--watch"]],
  ["a missing argument", ["convert"]],
  ["an argument too many", ["status", "sbc-1"]],
  ["a missing required option", ["pause", "sbc-1"]],
  ["an option without its value", ["status", "--config"]],
])("exits 2 for %s and says so on stderr", async (_, argv) => {
  const { code, stdout, stderr } = await createFolder().run(argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).not.toBe("");
});

it("exits 2 for a configuration that cannot be used, naming every fault", async () => {
  const folder = createFolder({ dataDir: 1, devices: [{}] });
  const { code, stderr } = await folder.run(["status"]);
  expect(code).toBe(2);
  for (const path of ["dataDir:", "sealKey:", "devices.0.name:"]) expect(stderr).toContain(path);
});

it("prints its version", async () => {
  expect(await createFolder().run(["--version"])).toMatchObject({ code: 0, stdout: "1.2.3\n" });
});
