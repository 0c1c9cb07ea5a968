/**
 * The VLAN tag of a received frame. The kernel takes the outer tag (IEEE 802.1Q §9.6) out of each frame before a packet
 * socket sees it, and tells it in a control message beside the frame (PACKET_AUXDATA, packet(7)).
 */
import { joined } from './netlink/bytes.ts';
import { struct } from './netlink/struct.ts';

export const SOL_PACKET = 263;
export const PACKET_AUXDATA = 8;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const TPID_8021Q = 0x8100;
/** Destination and source MAC, behind which the tag was. */
const MACS_BYTES = 12;

/** `struct cmsghdr`; its length is a size_t, of which these messages need the low half. */
const cmsghdr = struct({ length: 'u32', lengthHigh: 'u32', level: 'i32', type: 'i32' });
/** `struct tpacket_auxdata` (linux/if_packet.h). */
const auxdata = struct({
  ...({ status: 'u32', length: 'u32', captured: 'u32', macAt: 'u16', networkAt: 'u16' } as const),
  ...({ tci: 'u16', tpid: 'u16' } as const),
});
/** As it is on the link. */
const tag = struct({ tpid: 'be16', tci: 'be16' });

/** The four bytes of the tag; undefined when the frame had none. */
export function vlanTagIn(control: Uint8Array): Uint8Array | undefined {
  const { length, level, type } = cmsghdr.read(control);
  if (length < cmsghdr.lengthBytes + auxdata.lengthBytes || level !== SOL_PACKET || type !== PACKET_AUXDATA)
    return undefined;
  const { status, tci, tpid } = auxdata.read(control.subarray(cmsghdr.lengthBytes));
  if ((status & TP_STATUS_VLAN_VALID) === 0) return undefined;
  return tag.write({ tpid: (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? TPID_8021Q : tpid, tci });
}

/** The frame as it was on the link. */
export function withVlanTag(frame: Uint8Array, vlanTag: Uint8Array | undefined): Uint8Array {
  if (vlanTag === undefined) return frame;
  return joined([frame.subarray(0, MACS_BYTES), vlanTag, frame.subarray(MACS_BYTES)]);
}
