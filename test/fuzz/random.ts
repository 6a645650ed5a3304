/** Numbers that follow from a seed alone. */
export interface Random {
  /** From 0 up to, not including, `below`. */
  next(below: number): number;
  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T;
}

/** Mulberry32: good enough to choose mutations, and the same on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
  return {
    next,
    pick(list) {
      const found = list[next(list.length)];
      if (found === undefined) throw new Error("nothing to pick from");
      return found;
    },
  };
}
