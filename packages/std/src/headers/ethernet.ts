import type { ByteReader, ByteWriter } from '../bytes.ts';
import { Mac } from '../mac.ts';
import { parsing } from './header-errors.ts';

/** EtherTypes that we read (IANA ieee-802-numbers). */
export const ETHER_TYPE = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd, SERVICE_VLAN: 0x88a8 } as const;

/** An Ethernet II header (IEEE 802.3 §3.1.1). */
export interface EthernetHeader {
  readonly destination: Mac;
  readonly source: Mac;
  /** What follows; below 0x600 it is the length of an 802.3 frame instead (§3.2.6). */
  readonly etherType: number;
}

/** Reads 14 bytes. */
export function parseEthernet(reader: ByteReader): EthernetHeader {
  return parsing('Ethernet', reader, () => ({
    destination: Mac.fromBytes(reader.take(6)),
    source: Mac.fromBytes(reader.take(6)),
    etherType: reader.u16(),
  }));
}

export function writeEthernet(writer: ByteWriter, { destination, source, etherType }: EthernetHeader): void {
  writer.put(destination.toBytes()).put(source.toBytes()).u16(etherType);
}
