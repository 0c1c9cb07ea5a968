import { ADDRESS_BITS, Ip } from '@tenet/std';
import { attributes, readAttributes } from '../netlink/attributes.ts';
import { readU32, u32 } from '../netlink/bytes.ts';
import { AF, IFA, IFA_F } from '../netlink/constants.ts';
import { struct } from '../netlink/struct.ts';

/** An address to put on a link. */
export interface AddressSpec {
  /** The link's name. */
  readonly link: string;
  readonly address: Ip;
  /** How many of the address's bits are the network's; all of them when left out. */
  readonly prefixLength?: number;
  /** Keep the kernel from adding a route to the prefix (IFA_F_NOPREFIXROUTE). */
  readonly noPrefixRoute?: boolean;
  /** Use an IPv6 address at once, without looking for duplicates (IFA_F_NODAD). */
  readonly noDuplicateDetection?: boolean;
}

/** An address on a link. */
export interface Address {
  readonly link: string;
  readonly linkIndex: number;
  readonly address: Ip;
  readonly prefixLength: number;
  readonly noPrefixRoute: boolean;
}

/** `struct ifaddrmsg` (if_addr.h). */
export const ifaddrmsg = struct({ family: 'u8', prefixLength: 'u8', flags: 'u8', scope: 'u8', index: 'u32' });

/** The body of RTM_NEWADDR and RTM_DELADDR. */
export function encodeAddress(index: number, spec: AddressSpec): Uint8Array[] {
  const { address, prefixLength = ADDRESS_BITS[address.family], noPrefixRoute, noDuplicateDetection } = spec;
  const flags = (noPrefixRoute ? IFA_F.NOPREFIXROUTE : 0) | (noDuplicateDetection ? IFA_F.NODAD : 0);
  const bytes = address.toBytes();
  return [
    ifaddrmsg.write({ family: address.family === 4 ? AF.INET : AF.INET6, prefixLength, index }),
    attributes([IFA.LOCAL, bytes], [IFA.ADDRESS, bytes], [IFA.FLAGS, flags === 0 ? undefined : u32(flags)]),
  ];
}

/** Reads the body of an RTM_NEWADDR message; undefined for a family that is not IP. */
export function decodeAddress(body: Uint8Array): Omit<Address, 'link'> | undefined {
  const { family, prefixLength, index, flags } = ifaddrmsg.read(body);
  if (family !== AF.INET && family !== AF.INET6) return undefined;
  const found = readAttributes(body, ifaddrmsg.lengthBytes);
  // On a point-to-point link IFA_ADDRESS is the other end's.
  const address = found.get(IFA.LOCAL) ?? found.get(IFA.ADDRESS);
  if (address === undefined) return undefined;
  const wideFlags = found.get(IFA.FLAGS);
  return {
    linkIndex: index,
    address: Ip.fromBytes(address),
    prefixLength,
    noPrefixRoute: ((wideFlags ? readU32(wideFlags) : flags) & IFA_F.NOPREFIXROUTE) !== 0,
  };
}
