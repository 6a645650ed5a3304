const ringSize = 10_000;

/** A request as it arrived; `status` is 0 while unanswered or when the socket was destroyed. */
export interface ReceivedRequest {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly authorization: boolean;
  status: number;
}

/** A command or INI line and what became of it. Nothing is struck out: this is a recorder for tests. */
export interface ReceivedLine {
  readonly number: number;
  readonly source: "script" | "shell" | "edit" | "ini";
  readonly line: string;
  readonly result: "ok" | "refused" | "ignored";
  readonly output: string;
}

export interface Stats {
  requests: number;
  commands: number;
  refusedCommands: number;
  sessions: number;
  logins: number;
  failedLogins: number;
  saves: number;
  resets: number;
  uploads: number;
  mostWritersAtOnce: number;
  sshConnections: number;
  sshLogins: number;
  sshFailedLogins: number;
  shells: number;
  enables: number;
  failedEnables: number;
  shellLines: number;
  shellSaves: number;
}

export interface Recorder {
  readonly stats: Stats;
  request(method: string, path: string, authorization: boolean): ReceivedRequest;
  line(entry: Omit<ReceivedLine, "number">): void;
  /** Counts a writer in; call the result when it has been answered or has gone. */
  writer(): () => void;
  received(): { requests: readonly ReceivedRequest[]; lines: readonly ReceivedLine[]; dropped: number };
}

/** Remembers the last 10,000 requests and as many lines; `number` counts both in the order of arrival. */
export function createRecorder(): Recorder {
  const stats: Stats = {
    requests: 0,
    commands: 0,
    refusedCommands: 0,
    sessions: 0,
    logins: 0,
    failedLogins: 0,
    saves: 0,
    resets: 0,
    uploads: 0,
    mostWritersAtOnce: 0,
    sshConnections: 0,
    sshLogins: 0,
    sshFailedLogins: 0,
    shells: 0,
    enables: 0,
    failedEnables: 0,
    shellLines: 0,
    shellSaves: 0,
  };
  const requests: ReceivedRequest[] = [];
  const lines: ReceivedLine[] = [];
  let number = 0;
  let dropped = 0;
  let writers = 0;

  function push<T>(ring: T[], entry: T): void {
    ring.push(entry);
    // To shift a ring of this size once for each entry would be the most expensive thing that this mock does.
    if (ring.length < ringSize * 1.25) return;
    dropped += ring.splice(0, ring.length - ringSize).length;
  }

  return {
    stats,
    request(method, path, authorization) {
      stats.requests += 1;
      number += 1;
      const entry = { number, method, path, authorization, status: 0 };
      push(requests, entry);
      return entry;
    },
    line(entry) {
      stats.commands += 1;
      if (entry.result === "refused") stats.refusedCommands += 1;
      number += 1;
      push(lines, { number, ...entry });
    },
    writer() {
      writers += 1;
      stats.mostWritersAtOnce = Math.max(stats.mostWritersAtOnce, writers);
      let isIn = true;
      return () => {
        if (isIn) writers -= 1;
        isIn = false;
      };
    },
    received: () => {
      for (const ring of [requests, lines]) dropped += ring.splice(0, ring.length - ringSize).length;
      return { requests, lines, dropped };
    },
  };
}
