/** As much of the protocol buffers' wire format as a test needs to speak CRI: strings, numbers and messages by number. */

/** A field's value; of one that is repeated, a list. */
type ProtobufValue = string | number | boolean | ProtobufFields | readonly ProtobufValue[];

/** A message: its fields by number. */
export interface ProtobufFields {
  readonly [number: number]: ProtobufValue | undefined;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

export function encodeProtobuf(fields: ProtobufFields): Buffer {
  return Buffer.concat(Object.entries(fields).flatMap(([number, value]) => encodeField(Number(number), value)));
}

function encodeField(number: number, value: ProtobufValue | undefined): Buffer[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((each) => encodeField(number, each));
  if (typeof value === 'number' || typeof value === 'boolean')
    return [varint((number << 3) | VARINT), varint(Number(value))];
  const bytes = typeof value === 'string' ? Buffer.from(value) : encodeProtobuf(value as ProtobufFields);
  return [varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

/** The fields of a message by number, each time that it occurs: bytes of what has a length, else a number. */
export function decodeProtobuf(bytes: Buffer): Map<number, (Buffer | number)[]> {
  const fields = new Map<number, (Buffer | number)[]>();
  let at = 0;
  const readVarint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (lengthBytes: number): Buffer => {
    at += lengthBytes;
    return bytes.subarray(at - lengthBytes, at);
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const wireType = tag & 7;
    const value =
      wireType === VARINT
        ? readVarint()
        : take(wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : wireType === LENGTH_DELIMITED ? readVarint() : 0);
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value]);
  }
  return fields;
}

/** The message that a field holds. */
export function messageIn(message: Map<number, (Buffer | number)[]>, number: number): Map<number, (Buffer | number)[]> {
  const value = message.get(number)?.[0];
  return Buffer.isBuffer(value) ? decodeProtobuf(value) : new Map();
}

/** The text that a field holds; empty when it is not there, as the format has it. */
export function textIn(message: Map<number, (Buffer | number)[]>, number: number): string {
  const value = message.get(number)?.[0];
  return Buffer.isBuffer(value) ? value.toString('utf8') : '';
}
