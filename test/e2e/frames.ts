/** Frames that an attacker writes by hand. */
import {
  ARP_OPERATION,
  ByteWriter,
  buildFrame,
  type FrameSpec,
  type Ip,
  Ip as IpValue,
  type Mac,
  Mac as MacValue,
  writeVxlan,
} from '@tenet/std';

/** What every hostile frame carries, so that a leaked one is recognised wherever it comes out. */
export const MARK = new TextEncoder().encode('tenet-attack-0123456789');

/** True when a captured frame carries the mark. */
export function isMarked(frame: Uint8Array): boolean {
  return Buffer.from(frame).includes(Buffer.from(MARK));
}

export interface Ends {
  readonly from: Mac;
  readonly to: Mac;
  readonly source: Ip;
  readonly destination: Ip;
}

export function udpFrame(
  { from, to, source, destination }: Ends,
  { port = 9999, payload = MARK }: { port?: number; payload?: Uint8Array } = {},
): FrameSpec {
  return {
    ethernet: { source: from, destination: to },
    network: {
      kind: 'ipv4',
      header: { source, destination, ttl: 64 },
      transport: { kind: 'udp', header: { sourcePort: 4000, destinationPort: port }, payload },
    },
  };
}

/** ARP; the MAC inside may differ from the one outside. */
export function arpFrame(
  { from, to, source, destination }: Ends,
  { reply = false, senderMac = from, targetMac = to }: { reply?: boolean; senderMac?: Mac; targetMac?: Mac } = {},
): FrameSpec {
  return {
    ethernet: { source: from, destination: to },
    network: {
      kind: 'arp',
      packet: {
        operation: reply ? ARP_OPERATION.REPLY : ARP_OPERATION.REQUEST,
        senderMac,
        senderIp: source,
        targetMac,
        targetIp: destination,
      },
    },
  };
}

/** True for a captured ARP reply (RFC 826). */
export function isArpReply(frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return view.getUint16(12) === 0x0806 && view.getUint16(20) === ARP_OPERATION.REPLY;
}

/** A router that wants to be everybody's, for half an hour (RFC 4861 §4.2), with the mark where options are. */
export function routerAdvertisement({ from, to }: Pick<Ends, 'from' | 'to'>): FrameSpec {
  const header = new ByteWriter().u8(64).u8(0).u16(1800).u32(0).u32(0).toBytes();
  // An option of a type that nobody knows, to be ignored: its length is in units of 8 bytes.
  const option = new ByteWriter()
    .u8(253)
    .u8(4)
    .put(MARK)
    .put(new Uint8Array(30 - MARK.length))
    .toBytes();
  return {
    ethernet: { source: from, destination: to },
    network: {
      kind: 'ipv6',
      header: { source: IpValue.parse('fe80::bad'), destination: IpValue.parse('ff02::1'), hopLimit: 255 },
      transport: {
        kind: 'icmpv6',
        message: { kind: 'other', type: 134, code: 0, body: new Uint8Array([...header, ...option]) },
      },
    },
  };
}

/** A VXLAN packet's payload: the header and the frame inside. */
export function vxlanPayload(vni: number, inner: FrameSpec): Uint8Array {
  const writer = new ByteWriter();
  writeVxlan(writer, { vni });
  return writer.put(buildFrame(inner)).toBytes();
}

/** The same packet cut into two fragments; the second starts after `firstBytes` of the IP payload, a multiple of 8. */
export function fragmentsOf(spec: FrameSpec, firstBytes: number): Uint8Array[] {
  if (spec.network.kind !== 'ipv4') throw new RangeError('only IPv4 packets are cut here');
  const { header } = spec.network;
  const whole = buildFrame(spec);
  const payload = whole.subarray(34);
  const fragment = (offset: number, bytes: Uint8Array, more: boolean) =>
    buildFrame({
      ethernet: spec.ethernet,
      network: {
        kind: 'ipv4',
        header: { ...header, protocol: 17, identification: 77, moreFragments: more, fragmentOffsetBytes: offset },
        transport: { kind: 'raw', payload: bytes },
      },
    });
  return [
    fragment(0, payload.subarray(0, firstBytes), true),
    fragment(firstBytes, payload.subarray(firstBytes), false),
  ];
}

export const BROADCAST = MacValue.BROADCAST;
