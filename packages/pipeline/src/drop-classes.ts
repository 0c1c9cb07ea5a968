/**
 * Why br0 drops a packet. A class is one cookie, whatever the table, so that one dump of the flows whose cookie kind
 * is `drop` yields every drop counter by reason.
 */
interface DropClassSpec {
  readonly id: number;
  /** What a packet that was counted here was, as a sentence's end: "dropped: …". */
  readonly means: string;
  /** True where a count means that somebody tries what nobody may: worth a metric and an alarm. */
  readonly alarming?: boolean;
}

// biome-ignore format: columns are the documentation
export const DROP_CLASSES = {
  'vlan':                   { id: 1,  means: 'it carries a VLAN tag, which no pod may send', alarming: true },
  'ipv6':                   { id: 2,  means: 'it is IPv6, which is not carried yet' },
  'ethertype':              { id: 3,  means: 'it is neither IPv4 nor ARP' },
  'host-multicast':         { id: 4,  means: 'the host takes no part in the multicast of pods' },
  'host-redirect':          { id: 5,  means: 'it is an ICMP redirect of the host, which would teach pods to bypass it' },
  'host-other':             { id: 6,  means: 'it comes from the host and is for no pod of the cluster' },
  'host-remote-pod':        { id: 7,  means: "it bears another node's pod as source but comes from this host, so its project is not known" },
  'host-outside-to-remote': { id: 8,  means: "it comes from outside through this host to another node's pod" },
  'tunnel-ethertype':       { id: 9,  means: 'it came through a tunnel and is neither IPv4 nor ARP', alarming: true },
  'tunnel-unknown-peer':    { id: 10, means: 'the sender of the tunnel packet is no node of the cluster', alarming: true },
  'tunnel-bad-inner':       { id: 11, means: "the tunnelled source is not the sending node's, or the destination is not this node's", alarming: true },
  'forged-vxlan':           { id: 12, means: 'a pod sent a VXLAN packet of its own', alarming: true },
  'forged-gateway-arp':     { id: 13, means: 'a pod claimed to be the gateway by ARP', alarming: true },
  'spoofed-arp':            { id: 14, means: "a pod sent ARP with an address or MAC that is not its own", alarming: true },
  'spoofed-ip':             { id: 15, means: "a pod sent IP with a source address or MAC that is not its own", alarming: true },
  'unknown-port':           { id: 16, means: 'no pod owns the port it came from' },
  'invalid-reply':          { id: 17, means: 'it is a TCP segment outside the window of a known service connection', alarming: true },
  'host-unknown-pod':       { id: 18, means: 'it comes back from the host with the address of a pod that is not here' },
  'arp-outside':            { id: 19, means: 'it asks by ARP for an address outside the cluster network' },
  'no-such-destination':    { id: 20, means: 'it came through a tunnel and is for no pod, service or multicast group' },
  'arp-unknown-pod':        { id: 21, means: 'it asks by ARP for an address of this node that no pod has' },
  'arp-unknown-node':       { id: 22, means: 'it asks by ARP for an address in no node\'s subnet' },
  'unknown-service':        { id: 23, means: 'no service has that address, or not that port' },
  'unknown-pod':            { id: 24, means: 'no pod of this node has that address' },
  'tenant-mismatch':        { id: 25, means: 'source and destination are in different projects' },
  'foreign-service':        { id: 26, means: "the service belongs to another project" },
  'reply-across-tenants':   { id: 27, means: 'it answers a service connection of another project', alarming: true },
  'unknown-node':           { id: 28, means: "the address is in no node's subnet" },
  'multicast-disabled':     { id: 29, means: 'multicast is not enabled for the project' },
  'multicast-no-member':    { id: 30, means: 'no pod of the project is here to receive the multicast' },
  'broadcast':              { id: 31, means: 'it is a broadcast, which would reach the host\'s services' },
  'unreachable':            { id: 32, means: 'no packet can get here: a bug in the flow tables if one did', alarming: true },
} as const satisfies Record<string, DropClassSpec>;

export type DropClass = keyof typeof DROP_CLASSES;

export const DROP_CLASS_NAMES = Object.keys(DROP_CLASSES) as readonly DropClass[];

const BY_ID = new Map<number, DropClass>(DROP_CLASS_NAMES.map((name) => [DROP_CLASSES[name].id, name]));
if (BY_ID.size !== DROP_CLASS_NAMES.length) throw new RangeError('two drop classes claim one id');

/** The class with this id, undefined when there is none. */
export function dropClassOf(id: number): DropClass | undefined {
  return BY_ID.get(id);
}
