export { ADDRESS_ERRORS } from './address-errors.ts';
export { ByteReader, ByteWriter, fromHex, Truncated, toHex } from './bytes.ts';
export { type Change, diff } from './diff.ts';
export {
  type ErrorKind,
  type ErrorKinds,
  type ErrorTable,
  errorKinds,
  isTenetError,
  kind,
  sentenceOf,
  TenetError,
} from './errors.ts';
export { ARP_OPERATION, type Arp, parseArp, writeArp } from './headers/arp.ts';
export { buildFrame } from './headers/build-frame.ts';
export { internetChecksum, type PseudoHeader, pseudoHeaderChecksum, udpChecksum } from './headers/checksum.ts';
export { crc32c } from './headers/crc32c.ts';
export { ETHER_TYPE, type EthernetHeader, parseEthernet, writeEthernet } from './headers/ethernet.ts';
export type {
  Frame,
  FrameSpec,
  Ipv4Spec,
  Ipv6Spec,
  Network,
  NetworkSpec,
  Transport,
  TransportSpec,
} from './headers/frame.ts';
export { HEADER_ERRORS } from './headers/header-errors.ts';
export { echoReplyOf, echoRequest } from './headers/icmp-echo.ts';
export { ICMPV4_TYPE, type Icmpv4, parseIcmpv4, writeIcmpv4 } from './headers/icmpv4.ts';
export { ICMPV6_TYPE, type Icmpv6, parseIcmpv6, writeIcmpv6 } from './headers/icmpv6.ts';
export { IP_PROTOCOL } from './headers/ip-protocol.ts';
export { type Ipv4Header, parseIpv4, writeIpv4 } from './headers/ipv4.ts';
export { type Ipv6Extension, type Ipv6Header, isLaterFragment, parseIpv6, writeIpv6 } from './headers/ipv6.ts';
export { parseFrame } from './headers/parse-frame.ts';
export {
  parseSctp,
  parseSctpInit,
  type SctpHeader,
  type SctpInit,
  writeSctp,
  writeSctpInit,
} from './headers/sctp.ts';
export { parseTcp, TCP_FLAGS, type TcpFlag, type TcpHeader, writeTcp } from './headers/tcp.ts';
export { parseUdp, type UdpHeader, writeUdp } from './headers/udp.ts';
export { parseVlan, type VlanTag, writeVlan } from './headers/vlan.ts';
export { parseVxlan, type VxlanHeader, writeVxlan } from './headers/vxlan.ts';
export { ADDRESS_BITS, type Family, Ip } from './ip.ts';
export { type LogFacts, type Logger, SILENT } from './log.ts';
export { LOG_KEYS, type LogKey } from './log-keys.ts';
export { Mac } from './mac.ts';
export { Prefix } from './prefix.ts';
export { sha256 } from './sha256.ts';
export { type Backoff, backoffMs, type Clock } from './time.ts';
