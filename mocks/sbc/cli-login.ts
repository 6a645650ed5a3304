/** What the log-in of a person brings to the CLI, and a script has not. */
export interface CliLogin {
  readonly user: string;
  /** Whether the user's level allows Privileged mode at all. */
  readonly mayEnable: boolean;
  level: "basic" | "privileged";
  /** Rows of a page as this session wants them; `automatic` leaves it to the terminal and the settings. */
  windowHeight: number | "automatic";
  /** What `show users` prints. */
  listSessions(): string[];
  /** Ends another session; undefined when there is none of that number. */
  findSession(id: number): (() => void) | undefined;
  /** Whether the device has a user of that name. */
  isUser(name: string): boolean;
}
