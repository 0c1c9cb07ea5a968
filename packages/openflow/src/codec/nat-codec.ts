/** NXAST_NAT, which occurs only inside `ct` (ovs-actions(7), "The ct action"). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import type { Nat } from '../action.ts';
import { malformed } from './errors.ts';
import { readValue, writeValue } from './field-codec.ts';

const SRC = 1;
const DST = 2;
const PERSISTENT = 4;
const HASH = 8;
const RANDOM = 16;

const IPV4_MIN = 1;
const IPV4_MAX = 2;
const IPV6_MIN = 4;
const IPV6_MAX = 8;
const PORT_MIN = 16;
const PORT_MAX = 32;

/** Writes what follows the action's header. */
export function writeNat(w: ByteWriter, nat: Nat): void {
  const { direction, family, ipMin, ipMax, portMin, portMax } = nat;
  if (ipMin !== undefined && family === undefined) throw new RangeError('a nat with addresses must name their family');
  w.zeros(2);
  w.u16(
    (direction === 'src' ? SRC : direction === 'dst' ? DST : 0) |
      (nat.persistent ? PERSISTENT : 0) |
      (nat.hash ? HASH : 0) |
      (nat.random ? RANDOM : 0),
  );
  const [min, max, addressBytes] = family === 6 ? [IPV6_MIN, IPV6_MAX, 16] : [IPV4_MIN, IPV4_MAX, 4];
  w.u16(
    (ipMin === undefined ? 0 : min) |
      (ipMax === undefined ? 0 : max) |
      (portMin === undefined ? 0 : PORT_MIN) |
      (portMax === undefined ? 0 : PORT_MAX),
  );
  if (ipMin !== undefined) writeValue(w, ipMin, addressBytes);
  if (ipMax !== undefined) writeValue(w, ipMax, addressBytes);
  if (portMin !== undefined) w.u16(portMin);
  if (portMax !== undefined) w.u16(portMax);
}

/** Reads what follows the action's header. */
export function readNat(r: ByteReader): Nat {
  r.skip(2);
  const flags = r.u16();
  const present = r.u16();
  if ((flags & (SRC | DST)) === (SRC | DST)) malformed('nat action', 'it translates both source and destination');
  const v4 = (present & (IPV4_MIN | IPV4_MAX)) !== 0;
  const v6 = (present & (IPV6_MIN | IPV6_MAX)) !== 0;
  if (v4 && v6) malformed('nat action', 'its range is of both families');
  const addressBytes = v6 ? 16 : 4;
  const ipMin = present & (IPV4_MIN | IPV6_MIN) ? readValue(r, addressBytes) : undefined;
  const ipMax = present & (IPV4_MAX | IPV6_MAX) ? readValue(r, addressBytes) : undefined;
  const portMin = present & PORT_MIN ? r.u16() : undefined;
  const portMax = present & PORT_MAX ? r.u16() : undefined;
  if (ipMin === undefined && ipMax !== undefined) malformed('nat action', 'its range has an end and no start');
  return {
    ...(flags & SRC ? { direction: 'src' } : flags & DST ? { direction: 'dst' } : {}),
    ...(ipMin === undefined ? {} : { ipMin, family: v6 ? 6 : 4 }),
    ...(ipMax === undefined ? {} : { ipMax }),
    ...(portMin === undefined ? {} : { portMin }),
    ...(portMax === undefined ? {} : { portMax }),
    ...(flags & PERSISTENT ? { persistent: true } : {}),
    ...(flags & HASH ? { hash: true } : {}),
    ...(flags & RANDOM ? { random: true } : {}),
  };
}
