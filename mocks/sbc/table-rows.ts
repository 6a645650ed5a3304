/** How a row stood in the file that it was loaded from. */
export interface RowSource {
  /** Comment and blank lines right in front of the row. */
  readonly lead: readonly string[];
  readonly line: string;
  /** What the line says, by column; a row that still has these very cells is printed as the line. */
  readonly cells: Cells;
}

/** By INI column name, unquoted; secrets obscured; raw columns as they stand. What is not there has its default. */
export type Cells = Readonly<Record<string, string>>;

/** One row. Rows are never changed in place, so that a copy of a configuration can share them. */
export interface Row {
  readonly index: number;
  readonly active: boolean;
  /** Inactive because somebody said `no activate`, or left it unfinished; mending a reference does not activate it. */
  readonly held?: boolean;
  readonly cells: Cells;
  readonly source?: RowSource;
}

/** The rows of one table in the order in which they stand, found by index or by what a column holds. */
export class TableRows {
  #list: readonly Row[];
  // Somebody else has the list and may rely on it.
  #isListShared = true;
  // Copies share them until one of these is changed: that one keeps them, the others find all anew when asked.
  #indexes: Indexes | undefined;
  readonly #defaultOf: (column: string) => string;

  /** Rows in the order given, whose indexes differ; `defaultOf` says what a row without a column holds in it. */
  constructor(rows: readonly Row[], defaultOf: (column: string) => string) {
    this.#list = rows;
    this.#defaultOf = defaultOf;
  }

  /** A list that does not change; after a change of the table there is another one. */
  get list(): readonly Row[] {
    this.#isListShared = true;
    return this.#list;
  }

  get(index: number): Row | undefined {
    return this.#look().byIndex.get(index);
  }

  /** The rows whose column holds that text, without regard to case, by index. */
  holding(column: string, text: string): Row[] {
    const indexes = this.#look();
    const found = indexes.holders(column).get(text.toLowerCase());
    if (found === undefined) return [];
    const rows: Row[] = [];
    for (const index of found) {
      const row = indexes.byIndex.get(index);
      if (row !== undefined) rows.push(row);
    }
    return rows.length > 1 ? rows.sort((one, two) => one.index - two.index) : rows;
  }

  /** The one of these rows with the lowest index. */
  firstHolding(column: string, text: string): Row | undefined {
    const indexes = this.#look();
    let first = Infinity;
    for (const index of indexes.holders(column).get(text.toLowerCase()) ?? []) first = Math.min(first, index);
    return indexes.byIndex.get(first);
  }

  /** Whether there is such a row besides the one of that index. */
  isHeldElsewhere(column: string, text: string, index: number): boolean {
    const found = this.#look().holders(column).get(text.toLowerCase());
    return found !== undefined && found.size > (found.has(index) ? 1 : 0);
  }

  get lowestFreeIndex(): number {
    const indexes = this.#look();
    while (indexes.byIndex.has(indexes.firstFree)) indexes.firstFree += 1;
    return indexes.firstFree;
  }

  /** Puts a row in place of the one with its index; a new one where its index belongs, or at the end of a disorder. */
  put(row: Row): void {
    const indexes = this.#own();
    const before = indexes.byIndex.get(row.index);
    const place = before === undefined && !indexes.isSorted ? this.#list.length : this.#placeOf(row.index);
    this.#ownList().splice(place, before === undefined ? 0 : 1, row);
    indexes.replace(before, row);
  }

  remove(index: number): void {
    const indexes = this.#own();
    const before = indexes.byIndex.get(index);
    if (before === undefined) return;
    this.#ownList().splice(this.#placeOf(index), 1);
    indexes.replace(before, undefined);
  }

  /** The same rows; a change of either does not reach the other. */
  copy(): TableRows {
    const copy = new TableRows(this.list, this.#defaultOf);
    copy.#indexes = this.#indexes;
    this.#indexes?.users.add(copy);
    return copy;
  }

  /** Where the row of that index stands, or would stand in a table in order. */
  #placeOf(index: number): number {
    if (!this.#look().isSorted) return this.#list.findIndex((row) => row.index === index);
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle]?.index ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #look(): Indexes {
    if (this.#indexes === undefined) {
      this.#indexes = createIndexes(this.#list, this.#defaultOf);
      this.#indexes.users.add(this);
    }
    return this.#indexes;
  }

  #own(): Indexes {
    const indexes = this.#look();
    for (const user of indexes.users) if (user !== this) user.#indexes = undefined;
    indexes.users = new Set([this]);
    return indexes;
  }

  #ownList(): Row[] {
    const list = this.#isListShared ? [...this.#list] : (this.#list as Row[]);
    this.#list = list;
    this.#isListShared = false;
    return list;
  }
}

interface Indexes {
  users: Set<TableRows>;
  readonly byIndex: ReadonlyMap<number, Row>;
  /** The rows stand in the order of their indexes. */
  readonly isSorted: boolean;
  /** All indexes below it are taken. */
  firstFree: number;
  /** Indexes of rows by what they hold in that column, in lower case. */
  holders(column: string): ReadonlyMap<string, ReadonlySet<number>>;
  /** Takes note that a row has become another one, has come, or has gone. */
  replace(before: Row | undefined, row: Row | undefined): void;
}

function createIndexes(rows: readonly Row[], defaultOf: (column: string) => string): Indexes {
  const byIndex = new Map(rows.map((row) => [row.index, row]));
  const columns = new Map<string, Map<string, Set<number>>>();

  function add(holders: Map<string, Set<number>>, text: string, index: number): void {
    const key = text.toLowerCase();
    const known = holders.get(key);
    if (known === undefined) holders.set(key, new Set([index]));
    else known.add(index);
  }

  return {
    users: new Set(),
    byIndex,
    isSorted: rows.every((row, place) => place === 0 || (rows[place - 1]?.index ?? 0) < row.index),
    firstFree: 0,
    holders(column) {
      const known = columns.get(column);
      if (known !== undefined) return known;
      const built = new Map<string, Set<number>>();
      const standard = defaultOf(column);
      for (const row of byIndex.values()) add(built, row.cells[column] ?? standard, row.index);
      columns.set(column, built);
      return built;
    },
    replace(before, row) {
      if (row !== undefined) byIndex.set(row.index, row);
      else if (before !== undefined) {
        byIndex.delete(before.index);
        this.firstFree = Math.min(this.firstFree, before.index);
      }
      for (const [column, holders] of columns) {
        const standard = defaultOf(column);
        const old = before === undefined ? undefined : (before.cells[column] ?? standard);
        const now = row === undefined ? undefined : (row.cells[column] ?? standard);
        if (old === now) continue;
        if (before !== undefined && old !== undefined) holders.get(old.toLowerCase())?.delete(before.index);
        if (row !== undefined && now !== undefined) add(holders, now, row.index);
      }
    },
  };
}
