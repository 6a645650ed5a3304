/** A cell of a data line: quoted text, or bare text such as a number, `$$` or nothing at all. */
export interface IniCell {
  readonly text: string;
  readonly quoted: boolean;
}

/** The inside of a table block. */
export interface IniTable {
  readonly title: string;
  /** Column names without the table prefix of the long style. */
  readonly columns: readonly string[];
  readonly rows: readonly { readonly index: number; readonly cells: readonly IniCell[] }[];
  /** `FORMAT Index = Name` or the older `FORMAT ProxySet_Index = ProxySet_Name`. */
  readonly style: "short" | "long";
}

/** A piece of an INI file as it stands there, without line ends. */
export interface IniBlock {
  /** `[ X ]` to `[ \X ]` · single parameters, under a title or not · the comment that stands for a secret table. */
  readonly kind: "table" | "params" | "comment";
  readonly title: string;
  readonly lines: readonly string[];
}

/** A whole INI file. */
export interface IniDocument {
  readonly header: readonly string[];
  readonly blocks: readonly IniBlock[];
}

/** An INI text that no device would take; the message says where. */
export class IniError extends Error {
  override readonly name = "IniError";
}

const lineEnd = "\r\n";

/** Takes a file apart, whatever its line ends. Throws IniError for a table that is not closed. */
export function parseIni(text: string): IniDocument {
  const header: string[] = [];
  const blocks: { kind: IniBlock["kind"]; title: string; lines: string[] }[] = [];
  let open: { title: string; lines: string[] } | undefined;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const title = /^\s*\[\s*(\\?)\s*(.*?)\s*\]\s*$/.exec(line);
    const current = blocks.at(-1);
    if (open !== undefined) {
      if (title?.[1] === "\\" && isSame(title[2], open.title)) open = undefined;
      else if (title !== null) throw new IniError(`table ${open.title} is not closed before ${line.trim()}`);
      else if (line.trim() !== "") open.lines.push(line);
    } else if (title?.[1] === "\\") {
      throw new IniError(`${line.trim()} closes a table that was not open`);
    } else if (title !== null) {
      const name = title[2] ?? "";
      const block = { kind: isParamsTitle(name) ? ("params" as const) : ("table" as const), title: name, lines: [] };
      blocks.push(block);
      if (block.kind === "table") open = block;
    } else if (/^\s*;\s*\*\*\* TABLE /i.test(line)) {
      const name = /TABLE\s+(\S+)/i.exec(line)?.[1] ?? "";
      blocks.push({ kind: "comment", title: name, lines: [line] });
    } else if (line.trim() !== "") {
      if (/^\s*;/.test(line) && current === undefined) header.push(line);
      else if (current?.kind === "comment" && /^\s*;/.test(line)) current.lines.push(line);
      else if (current?.kind === "params") current.lines.push(line);
      else blocks.push({ kind: "params", title: "", lines: [line] });
    }
  }
  if (open !== undefined) throw new IniError(`table ${open.title} is not closed`);
  return { header, blocks };
}

/** Puts a file together, every line ending in CRLF; `parseIni` gives the document back. */
export function printIniDocument(document: IniDocument): string {
  const lines = [...document.header, ...(document.header.length > 0 ? [""] : [])];
  for (const block of document.blocks) {
    if (block.kind === "table") lines.push(`[ ${block.title} ]`, "", ...block.lines, "", `[ \\${block.title} ]`, "");
    else if (block.title === "" || block.kind === "comment") lines.push(...block.lines, "");
    else lines.push(`[${block.title}]`, "", ...block.lines, "");
  }
  return lines.map((line) => line + lineEnd).join("");
}

/** Reads the inside of a table block. Throws IniError where a data line does not match FORMAT. */
export function parseTable(block: Pick<IniBlock, "title" | "lines">): IniTable {
  let columns: string[] | undefined;
  let style: IniTable["style"] = "short";
  const rows: { index: number; cells: IniCell[] }[] = [];
  const seen = new Set<number>();
  for (const line of block.lines) {
    if (/^\s*;/.test(line)) continue;
    const format = /^\s*FORMAT\s+(\S+)\s*=\s*(.*?)\s*;\s*$/is.exec(line);
    if (format !== null) {
      if (columns !== undefined) throw new IniError(`table ${block.title} has two FORMAT lines`);
      style = isSame(format[1], `${block.title}_Index`) ? "long" : "short";
      columns = splitColumns(block.title, format[2] ?? "");
      continue;
    }
    const data = /^\s*(\S+)\s+(\d+)\s*=\s*(.*)$/s.exec(line);
    if (data === null || !isSame(data[1], block.title)) throw new IniError(`not a line of ${block.title}: ${line}`);
    const index = Number(data[2]);
    if (columns === undefined) throw new IniError(`${block.title} ${index} stands before FORMAT`);
    const cells = splitCells(data[3] ?? "");
    if (cells?.length !== columns.length) {
      throw new IniError(`${block.title} ${index} does not match its FORMAT line`);
    }
    if (seen.has(index)) throw new IniError(`${block.title} ${index} stands twice`);
    seen.add(index);
    rows.push({ index, cells });
  }
  return { title: block.title, columns: columns ?? [], rows, style };
}

function splitColumns(title: string, text: string): string[] {
  const prefix = `${title}_`.toLowerCase();
  return text
    .split(",")
    .map((name) => name.trim())
    .map((name) => (name.toLowerCase().startsWith(prefix) ? name.slice(prefix.length) : name))
    .filter((name) => name !== "");
}

/** Splits `v1, "v2", v3;` at commas outside quotes; undefined when it does not end in `;` or a quote stays open. */
function splitCells(text: string): IniCell[] | undefined {
  const cells: IniCell[] = [];
  const pattern = /\s*(?:"([^"]*)"|([^",;]*?))\s*([,;])/y;
  for (;;) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const quoted = match[1];
    cells.push(quoted === undefined ? { text: match[2] ?? "", quoted: false } : { text: quoted, quoted: true });
    if (match[3] === ";") return /^\s*(;.*)?$/s.test(text.slice(pattern.lastIndex)) ? cells : undefined;
  }
}

/** The lines of a table block. */
export function printTable(table: IniTable): string[] {
  const prefix = table.style === "long" ? `${table.title}_` : "";
  return [
    `FORMAT ${prefix}Index = ${table.columns.map((column) => prefix + column).join(", ")};`,
    ...table.rows.map(({ index, cells }) => `${table.title} ${index} = ${cells.map(printCell).join(", ")};`),
  ];
}

function printCell(cell: IniCell): string {
  return cell.quoted ? `"${cell.text}"` : cell.text;
}

function isParamsTitle(title: string): boolean {
  return / params$/i.test(title);
}

function isSame(one: string | undefined, two: string): boolean {
  return one?.toLowerCase() === two.toLowerCase();
}
