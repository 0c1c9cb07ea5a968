/** What must change so that what is becomes what should be. */
export interface Change<V> {
  readonly add: ReadonlyMap<string, V>;
  readonly remove: ReadonlyMap<string, V>;
}

/** Compares two worlds by key. An entry that differs is in `add` (its new value) and not in `remove`. */
export function diff<V>(
  desired: ReadonlyMap<string, V>,
  actual: ReadonlyMap<string, V>,
  same: (a: V, b: V) => boolean,
): Change<V> {
  const add = new Map<string, V>();
  let found = 0;
  for (const [key, value] of desired) {
    const there = actual.get(key);
    if (there !== undefined) found++;
    if (there === undefined || !same(there, value)) add.set(key, value);
  }
  const remove = new Map<string, V>();
  // When each of them was found, none is left to look for: the usual end of a pass over very many.
  if (found < actual.size) for (const [key, value] of actual) if (!desired.has(key)) remove.set(key, value);
  return { add, remove };
}
