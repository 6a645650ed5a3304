import { beforeEach, describe, expect, it } from "vitest";
import { DriverError, type DriverErrorCode } from "../../drivers/errors.ts";
import { guardLogins, type LoginGuard } from "../../agent/provisioning/login-guard.ts";
import type { JournalStore } from "../../agent/store/journal-store.ts";
import { neighbours } from "./device-fixture.ts";
import { fakeDevice } from "./fake-device.ts";

const { signal } = new AbortController();

const bounds = { limit: 2, unendedMs: 60_000 };

/** Counts as the store does: before each attempt, and back when it was accepted or undecided. `unended`: of dead processes. */
function countingJournal(): Pick<JournalStore, "beginLogin" | "endLogin"> & { failures: number; unended: number } {
  return {
    failures: 0,
    unended: 0,
    async beginLogin(_device, _hash, { limit, unendedMs }) {
      const { failures } = this;
      if (failures >= limit) return { allowed: false, failures };
      if (failures + this.unended >= limit) return { allowed: false, failures, retryAfterMs: unendedMs };
      this.failures += 1;
      return { allowed: true, failures };
    },
    async endLogin(_device, _hash, result) {
      if (result === "accepted") this.failures = 0;
      if (result === "undecided") this.failures -= 1;
    },
  };
}

let journal: ReturnType<typeof countingJournal>;
let guard: LoginGuard;
let asked = 0;
beforeEach(() => {
  journal = countingJournal();
  guard = guardLogins(journal, "sbc1", "hash", bounds);
  asked = 0;
});

/** A device that answers the first request so. */
const answering = (code: DriverErrorCode | undefined) => ({
  ...fakeDevice(neighbours).driver,
  async status() {
    asked += 1;
    expect(journal.failures).toBeGreaterThan(0);
    if (code !== undefined) throw new DriverError(code, "what came back");
    return fakeDevice(neighbours).driver.status(signal);
  },
});

async function attempt(code: DriverErrorCode | undefined): Promise<string> {
  try {
    await guard.firstStatus(answering(code), signal);
    return "accepted";
  } catch (error) {
    return error instanceof DriverError ? error.code : String(error);
  }
}

describe("the first request of a run", () => {
  it("is counted before it is tried, and forgotten when it was accepted", async () => {
    expect(await attempt(undefined)).toBe("accepted");
    expect(journal.failures).toBe(0);
  });

  it("stands as a failure when it was refused", async () => {
    expect(await attempt("auth")).toBe("auth");
    expect(journal.failures).toBe(1);
  });

  it.each(["unreachable", "timeout", "busy", "protocol", "identity", "forbidden", "unsupported", "rejected"] as const)(
    "is taken back when it ended as '%s', which says nothing about the log-in",
    async (code) => {
      expect(await attempt(code)).toBe(code);
      expect(journal.failures).toBe(0);
    },
  );

  it("stands as a failure when the device may have refused it without saying so", async () => {
    const status = () => Promise.reject(new DriverError("unreachable", "it hung up", { mayBeRefused: true }));
    const driver = { ...fakeDevice(neighbours).driver, status };
    await expect(guard.firstStatus(driver, signal)).rejects.toThrow("it hung up");
    await expect(guard.firstStatus(driver, signal)).rejects.toThrow("it hung up");
    await expect(guard.firstStatus(driver, signal)).rejects.toThrow("no log-in was tried");
  });

  it("is not tried once the limit is reached, and the message says what to do", async () => {
    await attempt("auth");
    await attempt("auth");
    const refused = guard.firstStatus(answering(undefined), signal);
    await expect(refused).rejects.toMatchObject({ code: "auth" });
    await expect(refused).rejects.toThrow(/no log-in was tried.*sbc-agent resume sbc1/);
    expect(asked).toBe(2);
  });

  it("counts also when the process dies before it is answered, and is then tried later without anybody's help", async () => {
    journal.unended = 1;
    await attempt("auth");
    const put = guard.firstStatus(answering("auth"), signal);
    await expect(put).rejects.toMatchObject({ code: "login", afterMs: 60_000, needsHuman: false });
    expect(asked).toBe(1);
    journal.unended = 0;
    await attempt("auth");
    expect(asked).toBe(2);
  });
});

describe("a refusal in mid-run", () => {
  const refusal = new DriverError("auth", "401");

  it("is counted", async () => {
    await attempt(undefined);
    await guard.noteRefusal(refusal);
    expect(journal.failures).toBe(1);
  });

  it("is not counted twice when it was that of the first request", async () => {
    await attempt("auth");
    await guard.noteRefusal(refusal);
    expect(journal.failures).toBe(1);
  });

  it.each([new DriverError("timeout", "x"), new Error("x"), undefined])("is not what this is: %s", async (error) => {
    await attempt(undefined);
    await guard.noteRefusal(error);
    expect(journal.failures).toBe(0);
  });
});

describe("a log-in in mid-run", () => {
  const logIn = (code: DriverErrorCode | undefined) => async () => {
    expect(journal.failures).toBe(1);
    if (code !== undefined) throw new DriverError(code, "what came back");
  };
  const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => "accepted",
      (error: unknown) => error,
    );

  it("is counted before it is tried, and forgotten when it was accepted", async () => {
    await attempt(undefined);
    expect(await codeOf(guard.again(logIn(undefined)))).toBe("accepted");
    expect(journal.failures).toBe(0);
  });

  it("stays counted once when it was refused, however often that is noted", async () => {
    await attempt(undefined);
    const error = await codeOf(guard.again(logIn("auth")));
    expect(error).toMatchObject({ code: "auth" });
    await guard.noteRefusal(error);
    expect(journal.failures).toBe(1);
  });

  it("is taken back when the device did not decide", async () => {
    await attempt(undefined);
    expect(await codeOf(guard.again(logIn("unreachable")))).toMatchObject({ code: "unreachable" });
    expect(journal.failures).toBe(0);
  });

  it("is not tried beyond the limit", async () => {
    journal.failures = 2;
    expect(await codeOf(guard.again(() => expect.fail("it was tried")))).toMatchObject({ code: "auth" });
  });
});
