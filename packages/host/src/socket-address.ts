import type { Ip } from '@tenet/std';
import { joined } from './netlink/bytes.ts';
import { AF } from './netlink/constants.ts';
import { struct } from './netlink/struct.ts';

/** The start of `struct sockaddr_in` and `struct sockaddr_in6`: family, and port in network order. */
const sockaddr = struct({ family: 'u16', port: 'be16' });

/** `struct sockaddr_ll` (packet(7)) up to the address, which stays empty. */
const sockaddrLl = struct({ family: 'u16', protocol: 'be16', index: 'i32' });

/** An address and a port as bind(2) wants them (ip(7), ipv6(7)). */
export function socketAddress(address: Ip, port: number): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`${port} is not a port`);
  if (address.family === 4)
    return joined([sockaddr.write({ family: AF.INET, port }), address.toBytes(), new Uint8Array(8)]);
  const [flowinfo, scope] = [new Uint8Array(4), new Uint8Array(4)];
  return joined([sockaddr.write({ family: AF.INET6, port }), flowinfo, address.toBytes(), scope]);
}

/** A link and an EtherType as bind(2) wants them (packet(7)). */
export function packetAddress(linkIndex: number, protocol: number): Uint8Array {
  return joined([sockaddrLl.write({ family: AF.PACKET, protocol, index: linkIndex }), new Uint8Array(12)]);
}
