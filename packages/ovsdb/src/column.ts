/** How the values of a column look on the wire and here (RFC 7047 §5.1), in both directions. */
import { ovsdbError } from './errors.ts';
import { isRecord, shortJson } from './json.ts';
import type { Atom, WireValue } from './operation.ts';

declare const uuidBrand: unique symbol;
/** The key of a row (RFC 7047 §3.1), in lower case. */
export type Uuid = string & { readonly [uuidBrand]: true };
/** A row that the same transaction inserts, by its `uuid-name` (RFC 7047 §5.1). */
export interface NamedUuid {
  readonly named: string;
}

/** Where a value was found, for the error. */
interface ColumnPlace {
  readonly table: string;
  readonly column: string;
}

/** A column that reads as `T` and may be written as `W`. */
export interface Column<T, W = T> {
  /** Decides how it is changed: `record` and `map` key by key, all others as a whole. */
  readonly form: 'scalar' | 'optional' | 'set' | 'record' | 'map';
  /** COLUMN_MALFORMED when the value is not of this column's type. */
  read(wire: unknown, place: ColumnPlace): T;
  write(value: W): WireValue;
}

/** An atomic type. `read` answers undefined for what is not of the type. */
export interface AtomType<T, W = T> {
  readonly name: string;
  read(wire: unknown): T | undefined;
  write(value: W): Atom;
}

const isUuid = (text: unknown): text is Uuid =>
  typeof text === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** Checks the text of a uuid; TypeError for anything else. */
export function uuidOf(text: string): Uuid {
  if (!isUuid(text)) throw new TypeError(`${text} is not a uuid`);
  return text;
}

export const string: AtomType<string> = {
  name: 'a string',
  read: (wire) => (typeof wire === 'string' ? wire : undefined),
  write: (value) => value,
};
/** OVSDB's integers have 64 bits; those that a number cannot hold exactly are refused rather than rounded. */
export const integer: AtomType<number> = {
  name: 'an integer below 2^53',
  read: (wire) => (typeof wire === 'number' && Number.isSafeInteger(wire) ? wire : undefined),
  write(value) {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an integer below 2^53`);
    return value;
  },
};
export const uuid: AtomType<Uuid, Uuid | NamedUuid> = {
  name: 'a uuid',
  read: (wire) =>
    Array.isArray(wire) && wire.length === 2 && wire[0] === 'uuid' && isUuid(wire[1]) ? wire[1] : undefined,
  write: (value) => (typeof value === 'string' ? ['uuid', value] : ['named-uuid', value.named]),
};

/** Exactly one atom. */
export function scalar<T, W>(atom: AtomType<T, W>): Column<T, W> {
  return {
    form: 'scalar',
    read: (wire, place) => atom.read(wire) ?? mismatch(wire, atom.name, place),
    write: (value) => atom.write(value),
  };
}

/** A set of at most one atom: `undefined` when empty. */
export function optional<T, W>(atom: AtomType<T, W>): Column<T | undefined, W | undefined> {
  return {
    form: 'optional',
    read(wire, place) {
      const values = readSet(wire, atom, place);
      return values.length > 1 ? mismatch(wire, `at most ${atom.name}`, place) : values[0];
    },
    write: (value) => (value === undefined ? ['set', []] : atom.write(value)),
  };
}

/** A set; its order means nothing. */
export function set<T, W>(atom: AtomType<T, W>): Column<readonly T[], readonly W[]> {
  return {
    form: 'set',
    read: (wire, place) => readSet(wire, atom, place),
    write: (values) => ['set', values.map((value) => atom.write(value))],
  };
}

/** A map with strings as keys. */
export function record<T, W>(value: AtomType<T, W>): Column<Readonly<Record<string, T>>, Readonly<Record<string, W>>> {
  return {
    form: 'record',
    read: (wire, place) => Object.fromEntries(readMap(wire, string, value, place)),
    write: (values) => ['map', Object.entries(values).map(([key, item]) => [key, value.write(item)])],
  };
}

/** A map with other keys. */
export function map<K, V, W>(key: AtomType<K>, value: AtomType<V, W>): Column<ReadonlyMap<K, V>, ReadonlyMap<K, W>> {
  return {
    form: 'map',
    read: (wire, place) => new Map(readMap(wire, key, value, place)),
    write: (values) => ['map', [...values].map(([k, item]) => [key.write(k), value.write(item)])],
  };
}

/** Whether two values of the same column are equal: arrays as sets, records and maps by their entries. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return sameMap(new Map(a.map((x) => [x, true])), new Map(b.map((x) => [x, true])));
  if (a instanceof Map && b instanceof Map) return sameMap(a, b);
  if (isRecord(a) && isRecord(b)) return sameMap(new Map(Object.entries(a)), new Map(Object.entries(b)));
  return a === b;
}

function sameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.has(key) && b.get(key) === value);
}

/** A set of one is also written as its only member. */
function readSet<T, W>(wire: unknown, atom: AtomType<T, W>, place: ColumnPlace): readonly T[] {
  const members = Array.isArray(wire) && wire.length === 2 && wire[0] === 'set' ? wire[1] : [wire];
  if (!Array.isArray(members)) return mismatch(wire, `a set of ${atom.name}`, place);
  return members.map((member) => atom.read(member) ?? mismatch(wire, `a set of ${atom.name}`, place));
}

function readMap<K, V, W>(wire: unknown, key: AtomType<K>, value: AtomType<V, W>, place: ColumnPlace): [K, V][] {
  const wrong = () => mismatch(wire, `a map from ${key.name} to ${value.name}`, place);
  if (!Array.isArray(wire) || wire.length !== 2 || wire[0] !== 'map' || !Array.isArray(wire[1])) return wrong();
  return wire[1].map((entry: unknown) =>
    Array.isArray(entry) && entry.length === 2
      ? [key.read(entry[0]) ?? wrong(), value.read(entry[1]) ?? wrong()]
      : wrong(),
  );
}

function mismatch(wire: unknown, expected: string, place: ColumnPlace): never {
  throw ovsdbError('COLUMN_MALFORMED', { ...place, expected, value: shortJson(wire) });
}
