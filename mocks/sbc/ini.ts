/** A cell of a data line: quoted text, or bare text such as a number, `$$` or nothing at all. */
export interface IniCell {
  readonly text: string;
  readonly quoted: boolean;
}

/** A data line of a table; `cellsOf` takes it apart. */
export interface IniRow {
  readonly index: number;
  readonly line: string;
  /** Comment and blank lines between the row before and this one. */
  readonly lead: readonly string[];
}

/** A table block. */
export interface IniTable {
  readonly title: string;
  /** Column names without the table prefix of the long style. */
  readonly columns: readonly string[];
  readonly rows: readonly IniRow[];
  /** `FORMAT Index = Name` or the older `FORMAT ProxySet_Index = ProxySet_Name`. */
  readonly style: "short" | "long";
  /** The lines up to and with FORMAT, and those behind the last row, as they stand. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** A piece of an INI file as it stands there, titles and blank lines included. */
export interface IniBlock {
  /** Comments in front of everything · `[ X ]` to `[ \X ]` · single parameters · the comment of a secret table. */
  readonly kind: "header" | "table" | "params" | "comment";
  readonly title: string;
  readonly lines: readonly string[];
}

/** A whole INI file; all lines of all blocks, each with its line end, make the text. */
export interface IniDocument {
  readonly blocks: readonly IniBlock[];
  readonly lineEnd: string;
}

/** An INI text that no device would take; the message says where. */
export class IniError extends Error {
  override readonly name = "IniError";
}

/** Takes a file apart, whatever its line ends. Throws IniError for a table that is not closed. */
export function parseIni(text: string): IniDocument {
  const lineEnd = /\r\n|\r|\n/.exec(text)?.[0] ?? "\r\n";
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") lines.pop();
  const blocks: { kind: IniBlock["kind"]; title: string; lines: string[] }[] = [];
  let isOpen = false;
  const begin = (kind: IniBlock["kind"], title: string, line: string): void => {
    blocks.push({ kind, title, lines: [line] });
  };
  for (const line of lines) {
    const current = blocks.at(-1);
    const start = firstMark(line);
    const title = start === "[" ? /^\s*\[\s*(\\?)\s*(.*?)\s*\]\s*$/.exec(line) : null;
    if (isOpen && current !== undefined) {
      if (title !== null && !(title[1] === "\\" && isSame(title[2], current.title))) {
        throw new IniError(`table ${current.title} is not closed before ${line.trim()}`);
      }
      isOpen = title === null;
      current.lines.push(line);
    } else if (title?.[1] === "\\") {
      throw new IniError(`${line.trim()} closes a table that was not open`);
    } else if (title !== null) {
      const name = title[2] ?? "";
      isOpen = !/ params$/i.test(name);
      begin(isOpen ? "table" : "params", name, line);
    } else if (start === ";" && /^\s*;\s*\*\*\* TABLE /i.test(line)) {
      begin("comment", /TABLE\s+(\S+)/i.exec(line)?.[1] ?? "", line);
    } else if (current === undefined) {
      begin(start === "" || start === ";" ? "header" : "params", "", line);
    } else if (start === "" || start === ";" || current.kind === "params") {
      current.lines.push(line);
    } else {
      begin("params", "", line);
    }
  }
  if (isOpen) throw new IniError(`table ${blocks.at(-1)?.title ?? ""} is not closed`);
  return { blocks, lineEnd };
}

/** The first character that is no blank; "" for a blank line. */
function firstMark(line: string): string {
  const mark = line[0] ?? "";
  return mark === " " || mark === "\t" ? (line.trimStart()[0] ?? "") : mark;
}

/** Puts lines together to a file. */
export function joinLines(lines: readonly string[], lineEnd: string): string {
  return lines.length === 0 ? "" : lines.join(lineEnd) + lineEnd;
}

/** Reads a table block. Throws IniError for lines that cannot stand in it. */
export function parseTable(block: Pick<IniBlock, "title" | "lines">): IniTable {
  let columns: string[] | undefined;
  let style: IniTable["style"] = "short";
  let before: string[] = [];
  let waiting: string[] = [];
  const rows: IniRow[] = [];
  const seen = new Set<number>();
  let isClosed = false;
  for (const [position, line] of block.lines.entries()) {
    const mark = firstMark(line);
    if (position === 0 || isClosed || mark === "" || mark === ";" || mark === "[") {
      isClosed ||= position > 0 && mark === "[";
      waiting.push(line);
      continue;
    }
    const data = /^\s*(\S+)\s+(\d+)\s*=/.exec(line);
    if (data === null || (columns === undefined && isSame(data[1], "format"))) {
      const format = /^\s*FORMAT\s+(\S+)\s*=\s*(.*?)\s*;\s*$/is.exec(line);
      if (format === null) throw new IniError(`not a line of ${block.title}: ${line}`);
      if (columns !== undefined) throw new IniError(`table ${block.title} has two FORMAT lines`);
      style = isSame(format[1], `${block.title}_Index`) ? "long" : "short";
      columns = splitColumns(block.title, format[2] ?? "");
      before = [...waiting, line];
      waiting = [];
      continue;
    }
    if (!isSame(data[1], block.title)) throw new IniError(`not a line of ${block.title}: ${line}`);
    const index = Number(data[2]);
    if (columns === undefined) throw new IniError(`${block.title} ${index} stands before FORMAT`);
    if (seen.has(index)) throw new IniError(`${block.title} ${index} stands twice`);
    seen.add(index);
    if (rows.length === 0) {
      before.push(...waiting);
      waiting = [];
    }
    rows.push({ index, line, lead: waiting.length === 0 ? nothing : waiting });
    waiting = [];
  }
  return { title: block.title, columns: columns ?? [], rows, style, before, after: waiting };
}

const nothing: readonly string[] = [];

function splitColumns(title: string, text: string): string[] {
  const prefix = `${title}_`.toLowerCase();
  return text
    .split(",")
    .map((name) => name.trim())
    .map((name) => (name.toLowerCase().startsWith(prefix) ? name.slice(prefix.length) : name))
    .filter((name) => name !== "");
}

/** The cells of a row, one for each column. Throws IniError where its line does not match FORMAT. */
export function cellsOf(table: Pick<IniTable, "title" | "columns">, row: Pick<IniRow, "index" | "line">): IniCell[] {
  const cells = splitCells(row.line, row.line.indexOf("=") + 1);
  if (cells?.length === table.columns.length) return cells;
  throw new IniError(`${table.title} ${row.index} does not match its FORMAT line`);
}

/**
 * Splits `v1, "v2", v3;` at commas outside quotes, from so many characters on; undefined when it does not end in `;`
 * or a quote stays open.
 */
function splitCells(line: string, start: number): IniCell[] | undefined {
  const cells: IniCell[] = [];
  let place = start;
  for (;;) {
    while (isBlank(line, place)) place += 1;
    const quoted = line[place] === '"';
    const from = quoted ? place + 1 : place;
    let to: number;
    if (quoted) {
      to = line.indexOf('"', from);
      if (to < 0) return undefined;
      place = to + 1;
      while (isBlank(line, place)) place += 1;
    } else {
      while (place < line.length && line[place] !== "," && line[place] !== ";" && line[place] !== '"') place += 1;
      to = place;
      while (to > from && isBlank(line, to - 1)) to -= 1;
    }
    const end = line[place];
    if (end !== "," && end !== ";") return undefined;
    cells.push({ text: line.slice(from, to), quoted });
    place += 1;
    if (end === ";") return /^\s*(;.*)?$/s.test(line.slice(place)) ? cells : undefined;
  }
}

function isBlank(line: string, place: number): boolean {
  return line[place] === " " || line[place] === "\t";
}

/** The FORMAT line of a table. */
export function printFormat({ title, columns, style }: Pick<IniTable, "title" | "columns" | "style">): string {
  const prefix = style === "long" ? `${title}_` : "";
  return `FORMAT ${prefix}Index = ${columns.map((column) => prefix + column).join(", ")};`;
}

/** A data line; the cells with their quotes. */
export function printLine(title: string, index: number, cells: readonly string[]): string {
  return `${title} ${index} = ${cells.join(", ")};`;
}

/** A cell with its quotes. */
export function printCell(cell: IniCell): string {
  return cell.quoted ? `"${cell.text}"` : cell.text;
}

function isSame(one: string | undefined, two: string): boolean {
  return one?.toLowerCase() === two.toLowerCase();
}
