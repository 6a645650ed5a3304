import type { AnyAuthMethod } from "ssh2";
import type { SshOptions } from "./driver.ts";

export interface SshLogin {
  user: string;
  /** Empty where a key alone is used. */
  password: string;
  privateKey: SshOptions["privateKey"];
}

/** What is offered next, given what the device says it still takes; false where nothing is left. */
export type NextMethod = (left: readonly string[] | null) => AnyAuthMethod | false;

/**
 * Offers the key, then the password, each once in all: a device counts every refusal. The password goes as such or, where
 * the device takes only that, as the answer to the one question of `keyboard-interactive`. `onSent` is called when a
 * credential leaves, `onQuestion` with what is asked that no password answers, and then nothing is answered.
 */
export function offerCredentials(
  { user: username, password, privateKey }: SshLogin,
  onSent: () => void,
  onQuestion: (question: string) => void,
): NextMethod {
  let keyLeft = privateKey !== undefined;
  // An empty one would be a guess.
  const hasPassword = password !== "";
  let asPassword = false;
  let asAnswer = false;
  let answered = false;

  const keyboardInteractive: AnyAuthMethod = {
    type: "keyboard-interactive",
    username,
    prompt(_name, _instructions, _language, prompts, finish) {
      const [question, ...more] = prompts;
      if (!answered && question?.echo === false && more.length === 0) {
        answered = true;
        onSent();
        finish([password]);
      } else onQuestion(prompts.map(({ prompt }) => prompt.trim()).join(" "));
    },
  };

  return (left) => {
    if (keyLeft && privateKey !== undefined) {
      keyLeft = false;
      onSent();
      const { pem: key, passphrase } = privateKey;
      return { type: "publickey", username, key, ...(passphrase === undefined ? {} : { passphrase }) };
    }
    if (!hasPassword || asAnswer) return false;
    if (left === null || left.includes("password")) {
      if (asPassword) return false;
      asPassword = true;
      onSent();
      return { type: "password", username, password };
    }
    // A device that does not take passwords as such has not judged one that was sent before it said so.
    if (!left.includes("keyboard-interactive")) return false;
    asAnswer = true;
    return keyboardInteractive;
  };
}
