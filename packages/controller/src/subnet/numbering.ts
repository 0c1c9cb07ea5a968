import type { ClusterRange } from '@tenet/model';
import { ADDRESS_BITS, Prefix } from '@tenet/std';

/** A cursor has at most 24 bits, as in openshift-sdn. */
const MAX_NUMBER_BITS = 24;

/** How many subnets of a range are ever handed out. */
export function subnetCount({ cidr, hostBits }: ClusterRange): number {
  return 2 ** Math.min(ADDRESS_BITS[cidr.family] - cidr.length - hostBits, MAX_NUMBER_BITS);
}

/**
 * The n-th subnet of a range, in openshift-sdn's order. When the subnet number shares its lowest octet with the
 * host bits, it is rotated so that the subnets with zeros there come first: `10.1.0.0/26, 10.1.1.0/26, …` before
 * `10.1.0.64/26`. RangeError when there is no n-th.
 */
export function subnetAt(range: ClusterRange, n: number): Prefix {
  if (!Number.isInteger(n) || n < 0 || n >= subnetCount(range)) throw new RangeError(`there is no subnet number ${n}`);
  const { cidr, hostBits } = range;
  const bits = ADDRESS_BITS[cidr.family];
  const number = rotate(BigInt(n), hostBits, bits - cidr.length - hostBits);
  return Prefix.of(cidr.address.plus(number << BigInt(hostBits)), bits - hostBits);
}

function rotate(n: bigint, hostBits: number, subnetBits: number): bigint {
  const octetOfHost = Math.floor((hostBits - 1) / 8);
  const octetOfSubnet = Math.floor((hostBits + subnetBits - 1) / 8);
  if (hostBits % 8 === 0 || octetOfHost === octetOfSubnet) return n;
  const left = BigInt(8 - (hostBits % 8));
  const right = BigInt(subnetBits) - left;
  return ((n << left) & ((1n << BigInt(subnetBits)) - 1n)) | ((n >> right) & ((1n << left) - 1n));
}
