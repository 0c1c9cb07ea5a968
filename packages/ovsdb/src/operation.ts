/** The operations of one transaction as they go over the wire (RFC 7047 §5). */

/** An atom, RFC 7047 §5.1; uuids are tagged so that they cannot be taken for strings. */
export type Atom = string | number | boolean | readonly ['uuid', string] | readonly ['named-uuid', string];
/** What a column holds: an atom, a set or a map. */
export type WireValue = Atom | readonly ['set', readonly Atom[]] | readonly ['map', readonly (readonly [Atom, Atom])[]];
/** Columns of one row. */
export type WireRow = Readonly<Record<string, WireValue>>;
export type Condition = readonly [
  column: string,
  test: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'includes' | 'excludes',
  value: WireValue,
];
export type Mutation = readonly [
  column: string,
  mutator: '+=' | '-=' | '*=' | '/=' | '%=' | 'insert' | 'delete',
  value: WireValue,
];

/** RFC 7047 §5.2. */
export type Operation =
  | { readonly op: 'insert'; readonly table: string; readonly row: WireRow; readonly 'uuid-name'?: string }
  | {
      readonly op: 'select';
      readonly table: string;
      readonly where: readonly Condition[];
      readonly columns?: readonly string[];
    }
  | { readonly op: 'update'; readonly table: string; readonly where: readonly Condition[]; readonly row: WireRow }
  | {
      readonly op: 'mutate';
      readonly table: string;
      readonly where: readonly Condition[];
      readonly mutations: readonly Mutation[];
    }
  | { readonly op: 'delete'; readonly table: string; readonly where: readonly Condition[] }
  | {
      readonly op: 'wait';
      readonly table: string;
      readonly where: readonly Condition[];
      readonly columns: readonly string[];
      readonly until: '==' | '!=';
      readonly rows: readonly WireRow[];
      /** Milliseconds; 0 fails at once, with "timed out". */
      readonly timeout?: number;
    }
  | { readonly op: 'comment'; readonly comment: string };

/** What one operation answers: of insert `uuid`, of select `rows`, of update, mutate and delete `count`. */
export interface OperationResult {
  readonly uuid?: readonly ['uuid', string];
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
  readonly count?: number;
}
