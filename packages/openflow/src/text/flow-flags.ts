/** OFPFF_* bits by the words of ovs-ofctl(8), in the order that it prints them (OpenFlow 1.4.1 §7.3.4.2). */
export const FLOW_FLAGS: ReadonlyMap<string, number> = new Map([
  ['send_flow_rem', 1],
  ['check_overlap', 2],
  ['reset_counts', 4],
  ['no_packet_counts', 8],
  ['no_byte_counts', 16],
]);
