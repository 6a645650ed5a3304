import winston from "winston";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One line per event. Fields carry ids (`device`, `task`, `run`), figures and codes; never bodies, never secrets. */
export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  /** Writes what is pending. Nothing may be logged afterwards. */
  close(): Promise<void>;
}

/** Whatever steers a terminal, ends a line for some reader, or cannot be seen. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** JSON in which all of that stands as escapes: what devices and clients say stays within its field. */
function showUnseen(json: string): string {
  return json.replace(unseen, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

const isPlain = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && !/["\s\p{C}]/u.test(value);

/** One line of each format. */
export const logLine = {
  text({ timestamp, level, message, ...fields }: winston.Logform.TransformableInfo): string {
    const shown = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${isPlain(value) ? value : showUnseen(JSON.stringify(value))}`);
    return [String(timestamp).slice(11, 23), level.padEnd(5), String(message), ...shown].join(" ");
  },
  json({ timestamp, level, message, ...fields }: winston.Logform.TransformableInfo): string {
    return showUnseen(JSON.stringify({ timestamp, level, message, ...fields }));
  },
};

/** Logs to standard error, so that standard output stays for results. */
export function openLog(level: "error" | "warn" | "info" | "debug", format: "json" | "text"): Log {
  const { combine, timestamp, printf } = winston.format;
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), printf(logLine[format])),
    transports: [new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })],
  });
  const write =
    (severity: string) =>
    (event: string, fields: LogFields = {}): void => {
      logger.log(severity, event, fields);
    };
  return {
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: write("debug"),
    close: () => closeLogger(logger),
  };
}

/** Ending a logger under load loses lines: the pipe must run dry first. */
async function closeLogger(logger: winston.Logger): Promise<void> {
  const until = performance.now() + 2_000;
  const busy = (): boolean =>
    logger.writableLength > 0 || logger.readableLength > 0 || logger.transports.some((t) => t.writableLength > 0);
  while (busy() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise<void>((resolve) => {
    const giveUp = setTimeout(resolve, 500);
    logger.once("finish", () => {
      clearTimeout(giveUp);
      resolve();
    });
    logger.end();
  });
}
