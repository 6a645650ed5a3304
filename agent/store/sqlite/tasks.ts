import type { ExecutionMessage, Task } from "../model.ts";
import type { Connection } from "./connection.ts";
import { readJson, type StoredMessage } from "./json.ts";
import { toTask, type TaskRow } from "./rows.ts";

/** Progress messages that one task keeps. */
const maxProgress = 50;

export interface TaskResult {
  status: "CompletedSuccess" | "CompletedFailed";
  details: readonly string[];
  messages: readonly ExecutionMessage[];
  umpCustomerGuid: string | null;
}

export interface Tasks {
  read(id: string): Task | undefined;
  create(id: string, createdAt: number): void;
  /** Appends progress to a task that has not ended; a repetition of its last message is dropped. */
  note(id: string, message: ExecutionMessage): void;
  /** Appends to the result of a task that goes on. */
  append(id: string, messages: readonly ExecutionMessage[]): void;
  /** Ends the task: its result so far and `messages` stay, and before them the Warnings of its progress. */
  finish(id: string, result: TaskResult): void;
  remove(id: string): void;
}

export function openTasks({ db }: Connection): Tasks {
  const byId = db.prepare<[string], TaskRow>("SELECT * FROM tasks WHERE id = ?");
  const insert = db.prepare<[string, number]>(
    "INSERT INTO tasks (id, status, details, messages, created_at) VALUES (?, 'InProgress', '[]', '[]', ?)",
  );
  const say = db.prepare<[string, string]>("UPDATE tasks SET messages = ? WHERE id = ?");
  const end = db.prepare(
    `UPDATE tasks SET status = @status, details = @details, messages = @messages, ump_customer_guid = @umpCustomerGuid
     WHERE id = @id`,
  );
  const remove = db.prepare<[string]>("DELETE FROM tasks WHERE id = ?");

  function readOpen(id: string): StoredMessage[] {
    const row = byId.get(id);
    if (row?.status !== "InProgress") throw new Error(`task ${id} is ${row?.status ?? "not known"}, not in progress`);
    return readJson.messages(row.messages);
  }

  return {
    read(id) {
      const row = byId.get(id);
      return row === undefined ? undefined : toTask(row);
    },
    create: (id, createdAt) => void insert.run(id, createdAt),
    note(id, { level, message }) {
      const row = byId.get(id);
      if (row?.status !== "InProgress") return;
      const messages = readJson.messages(row.messages);
      const last = messages.at(-1);
      if (last?.level === level && last.message === message) return;
      say.run(JSON.stringify([...makeRoom(messages), { kind: "progress", level, message }]), id);
    },
    append: (id, messages) => void say.run(JSON.stringify([...readOpen(id), ...asResult(messages)]), id),
    finish(id, { status, details, messages, umpCustomerGuid }) {
      const before = readOpen(id);
      const kept = [
        ...before.filter(({ kind, level }) => kind === "progress" && level === "Warning"),
        ...before.filter(({ kind }) => kind === "result"),
        ...asResult(messages),
      ];
      end.run({ id, status, details: JSON.stringify(details), messages: JSON.stringify(kept), umpCustomerGuid });
    },
    remove: (id) => void remove.run(id),
  };
}

function asResult(messages: readonly ExecutionMessage[]): StoredMessage[] {
  return messages.map(({ level, message }) => ({ kind: "result", level, message }));
}

function makeRoom(messages: readonly StoredMessage[]): readonly StoredMessage[] {
  if (messages.filter(({ kind }) => kind === "progress").length < maxProgress) return messages;
  const information = messages.findIndex(({ kind, level }) => kind === "progress" && level === "Information");
  const oldest = messages.findIndex(({ kind }) => kind === "progress");
  return messages.toSpliced(information === -1 ? oldest : information, 1);
}
