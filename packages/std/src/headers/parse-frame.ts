import { ByteReader } from '../bytes.ts';
import { parseArp } from './arp.ts';
import { ETHER_TYPE, parseEthernet } from './ethernet.ts';
import type { Frame, Network, Transport } from './frame.ts';
import { parseIcmpv4 } from './icmpv4.ts';
import { parseIcmpv6 } from './icmpv6.ts';
import { IP_PROTOCOL } from './ip-protocol.ts';
import { parseIpv4 } from './ipv4.ts';
import { isLaterFragment, parseIpv6 } from './ipv6.ts';
import { parseSctp } from './sctp.ts';
import { parseTcp } from './tcp.ts';
import { parseUdp } from './udp.ts';
import { parseVlan, type VlanTag } from './vlan.ts';

/**
 * Takes a captured Ethernet frame apart. A payload may be cut short or followed by padding; a header that is cut or
 * contradicts itself is HEADER_MALFORMED, which names the header and its offset. Checksums are kept, not judged.
 * Byte fields share memory with `bytes`.
 */
export function parseFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  const ethernet = parseEthernet(reader);
  const vlans: VlanTag[] = [];
  let { etherType } = ethernet;
  while (etherType === ETHER_TYPE.VLAN || etherType === ETHER_TYPE.SERVICE_VLAN) {
    const tag = parseVlan(reader);
    vlans.push(tag);
    etherType = tag.etherType;
  }
  const network = parseNetwork(reader, etherType);
  return { ethernet, vlans, network, padding: reader.rest() };
}

function parseNetwork(reader: ByteReader, etherType: number): Network {
  switch (etherType) {
    case ETHER_TYPE.ARP:
      return { kind: 'arp', packet: parseArp(reader) };
    case ETHER_TYPE.IPV4: {
      const start = reader.at;
      const header = parseIpv4(reader);
      const claimed = header.totalLength === 0 ? reader.left : header.totalLength - (reader.at - start);
      const payload = upTo(reader, claimed);
      const transport = header.fragmentOffsetBytes > 0 ? raw(payload) : parseTransport(payload, header.protocol, 4);
      return { kind: 'ipv4', header, transport };
    }
    case ETHER_TYPE.IPV6:
      return parseIpv6Network(reader);
    default:
      return { kind: 'raw', payload: reader.rest() };
  }
}

function parseIpv6Network(reader: ByteReader): Network {
  // The fixed header says where the packet ends; its extension headers must not be read beyond that.
  const claimed = reader.left >= 40 ? new ByteReader(reader.bytes, reader.at + 4).u16() : 0;
  const packet = upTo(reader, claimed === 0 ? reader.left : 40 + claimed);
  const header = parseIpv6(packet);
  const transport = isLaterFragment(header) ? raw(packet) : parseTransport(packet, header.protocol, 6);
  return { kind: 'ipv6', header, transport };
}

function parseTransport(reader: ByteReader, protocol: number, family: 4 | 6): Transport {
  switch (protocol) {
    case IP_PROTOCOL.UDP: {
      const header = parseUdp(reader);
      const payload = header.length === 0 ? reader.rest() : upTo(reader, header.length - 8).rest();
      return { kind: 'udp', header, payload, surplus: reader.rest() };
    }
    case IP_PROTOCOL.TCP:
      return { kind: 'tcp', header: parseTcp(reader), payload: reader.rest() };
    case IP_PROTOCOL.SCTP:
      return { kind: 'sctp', header: parseSctp(reader), chunks: reader.rest() };
    case IP_PROTOCOL.ICMP:
      return family === 4 ? { kind: 'icmpv4', message: parseIcmpv4(reader) } : raw(reader);
    case IP_PROTOCOL.ICMPV6:
      return family === 6 ? { kind: 'icmpv6', message: parseIcmpv6(reader) } : raw(reader);
    default:
      return raw(reader);
  }
}

function raw(reader: ByteReader): Transport {
  return { kind: 'raw', payload: reader.rest() };
}

/** The next bytes that a header claims, or as many of them as were captured. */
function upTo(reader: ByteReader, lengthBytes: number): ByteReader {
  return reader.sub(Math.min(lengthBytes, reader.left));
}
