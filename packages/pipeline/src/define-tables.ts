/** What a flow table is for, and where its packets may go on to. */
export interface TableSpec {
  /** OpenFlow table number. */
  readonly id: number;
  /** The question that it answers about a packet. */
  readonly question: string;
  /** Tables that its flows may send packets to. */
  readonly next: readonly string[];
  /** The class under which a packet that matches nothing is dropped. */
  readonly miss: string;
}

type Checked<T> = { readonly [N in keyof T]: { readonly next: readonly (keyof T)[] } };

/** Types catch a goto to a table that is not there; the loop catches the rest when the module is loaded. */
export function defineTables<const T extends Record<string, TableSpec>>(tables: T & Checked<T>): T {
  const seen = new Map<number, string>();
  for (const [name, table] of Object.entries<TableSpec>(tables)) {
    const twin = seen.get(table.id);
    if (twin !== undefined) throw new RangeError(`tables ${twin} and ${name} both claim number ${table.id}`);
    if (table.id < 0 || table.id > 253)
      throw new RangeError(`table ${name} has number ${table.id}, OVS keeps 254 for itself`);
    seen.set(table.id, name);
    for (const next of table.next) {
      const target: TableSpec | undefined = tables[next];
      // A packet may come back to its own table after ct, never to an earlier one.
      if (target !== undefined && target.id < table.id)
        throw new RangeError(`table ${name} may only go forward, not to ${next}`);
    }
  }
  return tables;
}
