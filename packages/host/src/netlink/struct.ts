import { LITTLE_ENDIAN, viewOf } from './bytes.ts';

interface Field {
  readonly lengthBytes: number;
  readonly read: (view: DataView, at: number) => number;
  readonly write: (view: DataView, at: number, value: number) => void;
}

/** The fields of C structs: bits of the machine's byte order, or `be` for network order. */
// biome-ignore format: columns are the table
const FIELDS = {
  u8:   { lengthBytes: 1, read: (view, at) => view.getUint8(at),                 write: (view, at, value) => view.setUint8(at, value) },
  u16:  { lengthBytes: 2, read: (view, at) => view.getUint16(at, LITTLE_ENDIAN), write: (view, at, value) => view.setUint16(at, value, LITTLE_ENDIAN) },
  u32:  { lengthBytes: 4, read: (view, at) => view.getUint32(at, LITTLE_ENDIAN), write: (view, at, value) => view.setUint32(at, value, LITTLE_ENDIAN) },
  i32:  { lengthBytes: 4, read: (view, at) => view.getInt32(at, LITTLE_ENDIAN),  write: (view, at, value) => view.setInt32(at, value, LITTLE_ENDIAN) },
  be16: { lengthBytes: 2, read: (view, at) => view.getUint16(at),                write: (view, at, value) => view.setUint16(at, value) },
} as const satisfies Record<string, Field>;

/** The codec of a C struct without gaps. */
export interface Struct<K extends string> {
  readonly lengthBytes: number;
  /** Reads the struct at the front of the bytes; RangeError when they are too short. */
  read(bytes: Uint8Array): Record<K, number>;
  /** Fields that are left out are zero. */
  write(values: Partial<Record<K, number>>): Uint8Array;
}

/** Makes the codec of a struct from its fields in the order of the header file. */
export function struct<K extends string>(fields: Readonly<Record<K, keyof typeof FIELDS>>): Struct<K> {
  const layout: { readonly name: K; readonly field: Field; readonly at: number }[] = [];
  let lengthBytes = 0;
  for (const name in fields) {
    const field = FIELDS[fields[name]];
    layout.push({ name, field, at: lengthBytes });
    lengthBytes += field.lengthBytes;
  }
  return {
    lengthBytes,
    read(bytes) {
      const view = viewOf(bytes);
      const values = Object.fromEntries(layout.map(({ name, field, at }) => [name, field.read(view, at)]));
      return values as Record<K, number>;
    },
    write(values) {
      const bytes = new Uint8Array(lengthBytes);
      const view = viewOf(bytes);
      for (const { name, field, at } of layout) field.write(view, at, values[name] ?? 0);
      return bytes;
    },
  };
}
