import type { ByteReader, ByteWriter } from '../bytes.ts';
import { Ip } from '../ip.ts';
import { Mac } from '../mac.ts';
import { ETHER_TYPE } from './ethernet.ts';
import { failHeader, parsing } from './header-errors.ts';

/** Operations (RFC 826). */
export const ARP_OPERATION = { REQUEST: 1, REPLY: 2 } as const;

/** An ARP packet for IPv4 over Ethernet (RFC 826). */
export interface Arp {
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ip;
  readonly targetMac: Mac;
  readonly targetIp: Ip;
}

/** Reads 28 bytes; other hardware or protocol types are HEADER_MALFORMED. */
export function parseArp(reader: ByteReader): Arp {
  return parsing('ARP', reader, (offset) => {
    const kinds = [reader.u16(), reader.u16(), reader.u8(), reader.u8()].join();
    if (kinds !== `1,${ETHER_TYPE.IPV4},6,4`)
      failHeader('HEADER_MALFORMED', { header: 'ARP', offset, problem: 'is not for IPv4 over Ethernet' });
    return {
      operation: reader.u16(),
      senderMac: Mac.fromBytes(reader.take(6)),
      senderIp: Ip.fromBytes(reader.take(4)),
      targetMac: Mac.fromBytes(reader.take(6)),
      targetIp: Ip.fromBytes(reader.take(4)),
    };
  });
}

export function writeArp(writer: ByteWriter, { operation, senderMac, senderIp, targetMac, targetIp }: Arp): void {
  if (senderIp.family !== 4 || targetIp.family !== 4) throw new RangeError('ARP carries IPv4 addresses');
  writer.u16(1).u16(ETHER_TYPE.IPV4).u8(6).u8(4).u16(operation);
  writer.put(senderMac.toBytes()).put(senderIp.toBytes()).put(targetMac.toBytes()).put(targetIp.toBytes());
}
