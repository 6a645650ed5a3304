/** How sure a fact about the device is: vendor's page, seen in real files, concluded, or not known. */
export type Confidence = "doc" | "seen" | "inferred" | "unknown";

/** Tables whose rows a driver reports. Only those marked `owned` in their schema can be written. */
export type TableName =
  "proxy-set" | "proxy-ip" | "ip-group" | "account" | "srd" | "sip-interface" | "realm" | "ip-profile" | "tls-context";

/** What a field takes. Values are strings everywhere; enums are the CLI's words, numbers are decimal. */
export type Grammar =
  | { kind: "text"; maxLength: number; pattern: RegExp; rule: string }
  | { kind: "integer"; min: number; max: number }
  | { kind: "enum"; words: Readonly<Record<string, number>> }
  | { kind: "reference"; table: TableName; maxLength: number };

export interface FieldSchema {
  /** The CLI parameter name: the field's name everywhere above the drivers. */
  name: string;
  /** The INI column. */
  column: string;
  grammar: Grammar;
  /** The device's default and how sure it is. */
  default: { value: string | undefined; confidence: Confidence };
  /** How sure the CLI name is. A field of an unknown name cannot be written. */
  nameConfidence: Confidence;
  /** Never readable in clear, never printed. */
  secret?: true;
  /** Changing it ends the row's active calls. */
  endsCalls?: true;
}

export interface TableSchema {
  name: TableName;
  /** The words that open a row in `configure voip`, without the index. */
  cliPath: string;
  iniName: string;
  /** Whether the agent may write it. Drivers refuse to render steps on any other table. */
  owned: boolean;
  /** The fields that together name a row; compared without case. Empty for child rows, which have no name. */
  key: readonly string[];
  parent?: TableName;
  /** Deleting a row ends its active calls. */
  deleteEndsCalls?: true;
  /** In the order in which they are written; `tags` is the first of ip-group. */
  fields: readonly FieldSchema[];
}

export type Fields = Readonly<Record<string, string>>;

/** Where a row stands. `parent` is the index of the parent row, for child rows only. */
export interface Place {
  table: TableName;
  index: number;
  parent?: number;
}

/** One row as the device holds it. */
export interface Row extends Place {
  /**
   * Effective values by field name: the running configuration, completed from the INI, then from defaults that are
   * documented or seen. A field that none of these shows is absent. Secret fields are always absent.
   */
  fields: Fields;
  /** False where the device prints the row as not activated. */
  active: boolean;
}

/** A row, of any table, that names another row: who would be hurt if that one went away. */
export interface Mention {
  /** The referring row as the device prints it, for example `sbc routing ip2ip-routing 1`. */
  from: string;
  field: string;
  /** The table of the row that is named. */
  table: TableName;
  name: string;
}

/** One complete read of a device. */
export interface DeviceConfig {
  rows: readonly Row[];
  /** All references to Proxy Sets and IP Groups, from owned and foreign tables alike. */
  mentions: readonly Mention[];
  /**
   * Which fields of each table this device has: those of its own FORMAT lines and those that it prints. For a table that
   * it does not show, those that every load of its firmware line has. Others cannot be written to it.
   */
  columns: ReadonlyMap<TableName, ReadonlySet<string>>;
  /** Equal for two reads exactly when their configuration is equal (header and time stamps left out). */
  fingerprint: string;
}

export type Known<T> = T | "unknown";

export interface DeviceStatus {
  /** For example `7.40A.250.440`. */
  firmware: Known<string>;
  product: Known<string>;
  serialNumber: Known<string>;
  /** Whether RAM differs from flash. */
  saveNeeded: Known<boolean>;
  resetNeeded: Known<boolean>;
  /** Administratively locked: shown, not waited for. */
  locked: Known<boolean>;
  highAvailability: Known<boolean>;
  /** A software upgrade is under way: nothing may be written. */
  upgrading: Known<boolean>;
  /** Raw up-time figure; its unit is not settled, so it is only ever compared with an earlier one. */
  upTime: Known<number>;
}

/** One change of one row. Pure data: drivers turn it into the device's text. */
export type Step =
  | ({ kind: "create"; fields: Fields } & Place)
  | ({ kind: "update"; name: string; set: Fields } & Place)
  | ({ kind: "delete"; name: string } & Place);

/** What a device said to a script that it took. */
export interface Transcript {
  /** The lines that were sent, secrets struck out. */
  lines: readonly string[];
  /** The device's words, secrets struck out. */
  output: string;
}

export interface DeviceDescription {
  /** For example `mediant-7.4`. */
  dialect: string;
  /** All fields that are known of any firmware line; which of them the device has is told by `DeviceConfig.columns`. */
  tables: ReadonlyMap<TableName, TableSchema>;
  /** Rows a table holds on this model; indexes run from 0 to limit - 1. For proxy-ip: per Proxy Set. */
  limits: Readonly<Partial<Record<TableName, number>>>;
  capabilities: {
    /** `status()` tells saveNeeded. */
    saveNeeded: boolean;
    /** A refused line leaves the rows before it applied. */
    partialScripts: boolean;
    /** Fields of an existing row that were sent before a refused line get back what they were. */
    givesBack: boolean;
  };
  /** Why nothing can be written to this device, for people; absent where it can. Then only empty lists of steps render. */
  readOnly?: string;
  /** How the device is reached and why, for people; only where that was chosen by trying. */
  way?: string;
}

/**
 * One device, as the agent sees it. Every method may be called again after a failure; all throw DriverError and end
 * at the driver's deadlines or when the signal aborts, whichever is first. Calls on one driver must not overlap.
 */
export interface Driver {
  /** Asks the device how it is. The first call of every run, alone: it proves the log-in before anything else is sent. */
  status(signal: AbortSignal): Promise<DeviceStatus>;

  /**
   * What this device's firmware and model can take. Needs an earlier `status()`; throws `unsupported` where the tables of
   * the firmware are not known. May say more once the device was read.
   */
  describe(): DeviceDescription;

  /**
   * Reads all rows. Never changes the device. Resolves only with a complete read (header, every closing `exit`, full
   * length, running configuration and INI in agreement; two equal ones where whole blocks are missing that devices
   * usually print); anything else is `protocol`.
   */
  read(signal: AbortSignal): Promise<DeviceConfig>;

  /**
   * The exact lines that `apply` would send, secrets struck out. Throws `unsupported` for tables or fields that may not
   * be written or that the device has not shown to have, and for anything on firmware that is only read.
   */
  render(steps: readonly Step[]): readonly string[];

  /**
   * Sends the steps as one script and resolves when the device says it took all of them. `rejected`: it refused at
   * least one line; earlier and later ones may be applied. Any error with `mayHaveActed` leaves the device's state
   * unknown until it is read.
   */
  apply(steps: readonly Step[], signal: AbortSignal): Promise<Transcript>;

  /**
   * Writes the running configuration to flash and resolves when the device says so. Saves also what others changed.
   * `unreachable` where a driver that keeps a session lost the one that the latest read came from: the device may have
   * started anew, without what was written. Read it first.
   */
  save(signal: AbortSignal): Promise<void>;

  /** The device's configuration as one restorable text (INI). Holds secrets: keep it at mode 0600. */
  backup(signal: AbortSignal): Promise<string>;

  /**
   * Sets up connections for the calls to come, in the background. Sends no credentials and nothing that a device counts
   * as a log-in; never throws: what fails is tried again by the first call, which says why.
   */
  warm(): void;

  /** Gives connections back. Never throws; no other method may be called afterwards. */
  close(): Promise<void>;
}

/** How to know that the device is the one that was enrolled. */
export type Trust =
  /** PEM of a CA, or of the device's own self-signed certificate, verified as usual. `checkName: false` for enrolled certificates whose names do not match the address. */
  | { kind: "certificate"; pem: string; checkName: boolean }
  /** SHA-256 of the certificate, colon-separated upper-case hex; checked before a byte is sent. */
  | { kind: "fingerprint"; sha256: string }
  /** The system's certificate authorities. */
  | { kind: "system" }
  /** Plain HTTP, by explicit configuration only. */
  | { kind: "plaintext" }
  /** SHA-256 of the SSH host key as OpenSSH prints it: `SHA256:` and base64 without padding. */
  | { kind: "host-key"; sha256: string };

/** What only a shell needs. */
export interface SshOptions {
  /** A key in OpenSSH or PEM form, offered before the password. */
  privateKey?: { pem: string; passphrase?: string };
  /** Secret of the `enable` command, for log-ins that land at the `>` prompt. Not the log-in password. */
  enablePassword?: string;
  /** `legacy` also takes the algorithms of old firmware (SHA-1, CBC). */
  profile: "modern" | "legacy";
  /** Diffie-Hellman group exchange: costs the whole process more than a second of CPU a connection. */
  groupExchange: boolean;
  /** Name of a dialect, in place of the one that the device's version chooses. */
  dialect?: string;
  /** Most parameter lines of one row that are under way at once; 1 waits for the prompt after each line. */
  pipelineDepth: number;
  /**
   * Sends whole rows, `activate` and `exit` included, before earlier lines are confirmed: faster, and after a refused line
   * what follows it has already left.
   */
  blindRows: boolean;
  /**
   * Lines that the device prints into the shell of its own accord, such as its log: they are no refusal. What they look
   * like is not documented, so none are known by default.
   */
  noiseLine?: RegExp;
  /**
   * A line that refuses because the device cannot take writes now, as while a redundant unit synchronises: `busy` and not
   * `rejected`. Its words are not documented, so none are known by default.
   */
  busyLine?: RegExp;
  /**
   * The device asks `Password:` for a secret field whose value is left out, and so does not echo it. Whether it does in
   * tables is not documented; by default secrets stand on the line.
   */
  secretPrompts?: boolean;
  /** All in milliseconds. */
  deadlines: {
    /** Until the prompt stands after a line. */
    lineMs: number;
    /** Without a single byte, while output is under way. */
    idleMs: number;
  };
}

export interface DriverOptions {
  /** The device's name in the inventory, for messages. */
  device: string;
  /** For REST: `https://host[:port]`; for SSH: `ssh://host[:port]`. From the inventory only. */
  address: string;
  user: string;
  password: string;
  trust: Trust;
  /** Model tier for table limits, for example `ve-4gb`; undefined when not configured, and then no limit is known. */
  model: string | undefined;
  /** For drivers that use a shell. */
  ssh?: SshOptions;
  /**
   * Runs each log-in but the first, which is part of the first `status()`, so that the caller can count it before it is
   * tried. For drivers that log in by connection. What it throws is thrown by the call that wanted the log-in.
   */
  logInAgain?: <T>(logIn: () => Promise<T>) => Promise<T>;
  /**
   * A line of a script's output that matches it means that the device refused a line. The device's words are not
   * documented, so this can be set; by default what public clients look for (`%`, `Error`, `Invalid`, `Unknown`...).
   */
  refusedLine?: RegExp;
  /** All in milliseconds. */
  deadlines: {
    /** Until a connection stands. */
    connectMs: number;
    /** For one answer, from first to last byte. */
    requestMs: number;
    /** For a script; the device works through it before it answers. */
    writeMs: number;
    /** For a save; flash is slow. */
    saveMs: number;
  };
}

/** What a device shows of itself before any credential is sent. */
export type DeviceIdentity =
  | {
      kind: "certificate";
      /** PEM of the leaf certificate. */
      certificatePem: string;
      /** SHA-256, colon-separated upper-case hex. */
      fingerprint256: string;
      subject: string;
      validTo: string;
    }
  | {
      kind: "host-key";
      /** For example `ssh-rsa` or `ecdsa-sha2-nistp256`. */
      algorithm: string;
      /** `SHA256:` and base64 without padding. */
      sha256: string;
    };

/** One entry of the table of shipped drivers. */
export interface DriverKind {
  /** Opens no connection. Throws DriverError `unsupported` or `identity` for options that can never work. */
  open(options: DriverOptions): Driver;
  /** Fetches the identity to enrol; sends no credentials. Throws DriverError. */
  identify(address: string, connectMs: number, ssh?: SshOptions): Promise<DeviceIdentity>;
}
