import { fc } from "@fast-check/vitest";

/** What ends lines, leaves quotes, speaks to terminals, is a command on a device or means something to a template. */
const hostilePieces = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  "\x1b",
  "\x1b[2J",
  "\x1b]0;owned\x07",
  "\x7f",
  "\x85",
  "\x9b31m",
  "\t",
  "\b",
  '"',
  "'",
  "\\",
  '\\"',
  "!",
  "?",
  "#",
  ";",
  "|",
  "`",
  "$(reboot)",
  "$$",
  "%s",
  "\u2028",
  "\u2029",
  "\u202e",
  "\u200b",
  "\ufeff",
  "\ud800",
  "\u{1f4a3}",
  "ｅxit",
  "{{shortName}}",
  "{{device.mediaRealm?}}",
  "}}",
  "__proto__",
  "--MORE--",
  "Password: ",
  " ",
] as const;

const commands = ["exit", "write factory", "reload now", "no ip-group 0", "configure voip", "activate"] as const;

/** Fixed ones, which run every time. */
export const hostileTexts: readonly string[] = [
  "",
  ...hostilePieces,
  ...hostilePieces.map((piece) => `Ab${piece}cd`),
  ...commands,
  ...["\r\n", "\n", "\r", '"\r\n', '" ', "\u2028", ";", "\0"].flatMap((end) =>
    commands.map((command) => `Ab${end}${command}${end}`),
  ),
  'Ab" activate exit "',
  "a=b task=wst_2",
  '"said="x" task=wst_2',
  "x".repeat(16),
  "x".repeat(1_000),
];

/** Words, pieces and anything else, joined. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { arbitrary: fc.constantFrom(...hostilePieces), weight: 3 },
      { arbitrary: fc.constantFrom(...commands), weight: 1 },
      { arbitrary: fc.stringMatching(/^[A-Za-z0-9_]{1,4}$/), weight: 3 },
      { arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), weight: 1 },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pieces) => pieces.join(""));
