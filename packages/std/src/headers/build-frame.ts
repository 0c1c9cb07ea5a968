import { ByteWriter } from '../bytes.ts';
import type { Ip } from '../ip.ts';
import { writeArp } from './arp.ts';
import { internetChecksum, pseudoHeaderChecksum, udpChecksum } from './checksum.ts';
import { crc32c } from './crc32c.ts';
import { ETHER_TYPE, writeEthernet } from './ethernet.ts';
import type { FrameSpec, Ipv4Spec, Ipv6Spec, NetworkSpec, TransportSpec } from './frame.ts';
import { writeIcmpv4 } from './icmpv4.ts';
import { writeIcmpv6 } from './icmpv6.ts';
import { IP_PROTOCOL } from './ip-protocol.ts';
import { writeIpv4 } from './ipv4.ts';
import { writeIpv6 } from './ipv6.ts';
import { writeSctp } from './sctp.ts';
import { writeTcp } from './tcp.ts';
import { writeUdp } from './udp.ts';
import { writeVlan } from './vlan.ts';

const EMPTY = new Uint8Array();

/**
 * The bytes of a frame. EtherTypes, protocol numbers, lengths and checksums that are left out are computed; those
 * that are given are written as they are, so that a test can forge them. RangeError when a raw layer leaves its
 * number to be guessed or a value does not fit its field.
 */
export function buildFrame({ ethernet, vlans = [], network, padding = EMPTY }: FrameSpec): Uint8Array {
  const writer = new ByteWriter();
  const last = vlans.at(-1)?.etherType ?? (vlans.length === 0 ? ethernet.etherType : undefined);
  const upper = last ?? etherTypeOf(network);
  const first = vlans.length === 0 ? upper : vlans.length === 1 ? ETHER_TYPE.VLAN : ETHER_TYPE.SERVICE_VLAN;
  writeEthernet(writer, { etherType: first, ...ethernet });
  for (const [at, tag] of vlans.entries()) {
    const etherType = at === vlans.length - 1 ? upper : ETHER_TYPE.VLAN;
    writeVlan(writer, { priority: 0, dropEligible: false, etherType, ...tag });
  }
  writeNetwork(writer, network);
  return writer.put(padding).toBytes();
}

function etherTypeOf({ kind }: NetworkSpec): number {
  switch (kind) {
    case 'arp':
      return ETHER_TYPE.ARP;
    case 'ipv4':
      return ETHER_TYPE.IPV4;
    case 'ipv6':
      return ETHER_TYPE.IPV6;
    case 'raw':
      throw new RangeError('a raw network layer needs an explicit etherType');
  }
}

function writeNetwork(writer: ByteWriter, network: NetworkSpec): void {
  switch (network.kind) {
    case 'arp':
      writeArp(writer, network.packet);
      return;
    case 'ipv4':
      writeIpv4Packet(writer, network.header, network.transport);
      return;
    case 'ipv6':
      writeIpv6Packet(writer, network.header, network.transport);
      return;
    case 'raw':
      writer.put(network.payload);
  }
}

function writeIpv4Packet(writer: ByteWriter, spec: Ipv4Spec, transport: TransportSpec): void {
  const protocol = spec.protocol ?? protocolOf(transport);
  const payload = transportBytes(transport, spec);
  const options = spec.options ?? EMPTY;
  const header = {
    dscp: 0,
    ecn: 0,
    totalLength: 20 + options.length + payload.length,
    identification: 0,
    reservedFlag: false,
    dontFragment: false,
    moreFragments: false,
    fragmentOffsetBytes: 0,
    ttl: 64,
    checksum: 0,
    ...spec,
    protocol,
    options,
  };
  const start = writer.length;
  writeIpv4(writer, header);
  if (spec.checksum === undefined) writer.setU16(start + 10, internetChecksum(writer.view().subarray(start)));
  writer.put(payload);
}

function writeIpv6Packet(writer: ByteWriter, spec: Ipv6Spec, transport: TransportSpec): void {
  const protocol = spec.protocol ?? protocolOf(transport);
  const payload = transportBytes(transport, spec);
  const extensions = spec.extensions ?? [];
  const payloadLength = extensions.reduce((sum, { body }) => sum + 1 + body.length, payload.length);
  writeIpv6(writer, { dscp: 0, ecn: 0, flowLabel: 0, hopLimit: 64, payloadLength, ...spec, protocol, extensions });
  writer.put(payload);
}

function protocolOf({ kind }: TransportSpec): number {
  switch (kind) {
    case 'udp':
      return IP_PROTOCOL.UDP;
    case 'tcp':
      return IP_PROTOCOL.TCP;
    case 'icmpv4':
      return IP_PROTOCOL.ICMP;
    case 'icmpv6':
      return IP_PROTOCOL.ICMPV6;
    case 'sctp':
      return IP_PROTOCOL.SCTP;
    case 'raw':
      throw new RangeError('a raw transport layer needs an explicit protocol');
  }
}

function transportBytes(transport: TransportSpec, ends: { source: Ip; destination: Ip }): Uint8Array {
  const writer = new ByteWriter();
  switch (transport.kind) {
    case 'udp': {
      const { header, payload = EMPTY, surplus = EMPTY } = transport;
      writeUdp(writer, { length: 8 + payload.length, checksum: 0, ...header });
      writer.put(payload);
      if (header.checksum === undefined)
        writer.setU16(6, udpChecksum({ ...ends, protocol: IP_PROTOCOL.UDP }, writer.view()));
      return writer.put(surplus).toBytes();
    }
    case 'tcp': {
      const { header, payload = EMPTY } = transport;
      const usual = { sequence: 0, acknowledgment: 0, reserved: 0, window: 65_535, urgentPointer: 0, options: EMPTY };
      writeTcp(writer, { ...usual, checksum: 0, ...header });
      writer.put(payload);
      if (header.checksum === undefined)
        writer.setU16(16, pseudoHeaderChecksum({ ...ends, protocol: IP_PROTOCOL.TCP }, writer.view()));
      return writer.toBytes();
    }
    case 'icmpv4':
      writeIcmpv4(writer, { checksum: 0, ...transport.message });
      if (transport.message.checksum === undefined) writer.setU16(2, internetChecksum(writer.view()));
      return writer.toBytes();
    case 'icmpv6':
      writeIcmpv6(writer, { checksum: 0, ...transport.message });
      if (transport.message.checksum === undefined)
        writer.setU16(2, pseudoHeaderChecksum({ ...ends, protocol: IP_PROTOCOL.ICMPV6 }, writer.view()));
      return writer.toBytes();
    case 'sctp': {
      const { header, chunks = EMPTY } = transport;
      writeSctp(writer, { checksum: 0, ...header });
      writer.put(chunks);
      if (header.checksum === undefined) writer.setU32(8, sctpChecksum(writer.view()));
      return writer.toBytes();
    }
    case 'raw':
      return transport.payload;
  }
}

/** SCTP's checksum of a packet whose checksum field is 0: the CRC goes out lowest byte first (RFC 9260 Appendix A). */
function sctpChecksum(packet: Uint8Array): number {
  const crc = crc32c(packet);
  return (((crc & 0xff) << 24) | ((crc & 0xff00) << 8) | ((crc >>> 8) & 0xff00) | (crc >>> 24)) >>> 0;
}
