/** Two answers at once. When one fails, the other is given up and the first failure is thrown. */
export async function both<A, B>(
  one: (signal: AbortSignal) => Promise<A>,
  other: (signal: AbortSignal) => Promise<B>,
  signal: AbortSignal,
): Promise<readonly [A, B]> {
  const linked = new AbortController();
  const onAbort = () => linked.abort();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  let first: { error: unknown } | undefined;
  const guarded = async <T>(ask: (signal: AbortSignal) => Promise<T>) => {
    try {
      return await ask(linked.signal);
    } catch (error) {
      first ??= { error };
      linked.abort();
      throw error;
    }
  };
  const asked = [guarded(one), guarded(other)] as const;
  await Promise.allSettled(asked);
  signal.removeEventListener("abort", onAbort);
  if (first !== undefined) throw first.error;
  return Promise.all(asked);
}
