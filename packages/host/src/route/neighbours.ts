import { Ip, Mac } from '@tenet/std';
import { attributes, readAttributes } from '../netlink/attributes.ts';
import { AF, NDA, NTF_USE, NUD } from '../netlink/constants.ts';
import { struct } from '../netlink/struct.ts';
import { familyNumber } from './routes.ts';

export type NeighbourState = keyof typeof NUD;

/** Which neighbour. */
export interface NeighbourKey {
  /** The link's name. */
  readonly link: string;
  readonly address: Ip;
}

/** A neighbour to write: one that is not permanent counts as just confirmed and grows old. */
export interface NeighbourSpec extends NeighbourKey {
  readonly mac: Mac;
  readonly permanent: boolean;
}

/** An entry of the ARP or neighbour discovery table. */
export interface Neighbour extends NeighbourKey {
  readonly linkIndex: number;
  /** Not known while it is being asked for. */
  readonly mac?: Mac;
  readonly state: NeighbourState;
}

/** `struct ndmsg` (neighbour.h). */
// biome-ignore format: the fields of the header file
const ndmsg = struct({
  family: 'u8', pad1: 'u8', pad2: 'u16', index: 'i32', state: 'u16', flags: 'u8', type: 'u8',
});

/** The body of RTM_NEWNEIGH. */
export function encodeNeighbour(index: number, { address, mac, permanent }: NeighbourSpec): Uint8Array[] {
  const state = permanent ? NUD.permanent : NUD.reachable;
  return [
    ndmsg.write({ family: familyNumber(address.family), index, state }),
    attributes([NDA.DST, address.toBytes()], [NDA.LLADDR, mac.toBytes()]),
  ];
}

/** The body of the RTM_NEWNEIGH that makes the kernel ask for an address, as if it had a packet for it (NTF_USE). */
export function encodeNeighbourUse(index: number, address: Ip): Uint8Array[] {
  return [
    ndmsg.write({ family: familyNumber(address.family), index, state: NUD.none, flags: NTF_USE }),
    attributes([NDA.DST, address.toBytes()]),
  ];
}

/** The body of RTM_DELNEIGH. */
export function encodeNeighbourKey(index: number, address: Ip): Uint8Array[] {
  return [ndmsg.write({ family: familyNumber(address.family), index }), attributes([NDA.DST, address.toBytes()])];
}

/** The body that asks for the neighbours of all families. */
export function encodeNeighbourQuery(): Uint8Array[] {
  return [ndmsg.write({})];
}

/** Reads the body of an RTM_NEWNEIGH message; undefined for a family that is not IP. */
export function decodeNeighbour(body: Uint8Array): Omit<Neighbour, 'link'> | undefined {
  const { family, index, state } = ndmsg.read(body);
  const found = readAttributes(body, ndmsg.lengthBytes);
  const address = found.get(NDA.DST);
  if ((family !== AF.INET && family !== AF.INET6) || address === undefined) return undefined;
  const mac = found.get(NDA.LLADDR);
  return {
    linkIndex: index,
    address: Ip.fromBytes(address),
    ...(mac?.length === 6 && { mac: Mac.fromBytes(mac) }),
    state: stateOf(state),
  };
}

function stateOf(bits: number): NeighbourState {
  for (const [name, bit] of Object.entries(NUD)) if (bit === bits) return name as NeighbourState;
  return 'none';
}
