/**
 * What the table `ip tenet` always has, whatever services there are: its sets and maps, and the chains that look
 * into them. A service is a few elements; a packet's cost does not depend on how many there are.
 */
import type { ServiceProtocol } from '@tenet/model';
import type { Prefix } from '@tenet/std';
import type { ProxyNode } from '../proxied-port.ts';

export const TABLE = 'ip tenet';

/** What pods come in by. */
const PODS_LINK = 'tun0';

/** The destination as a client names it: by address, or, for a node port, by any address of this node. */
const BY_ADDRESS = 'ip daddr . meta l4proto . th dport';
const BY_PORT = 'meta l4proto . th dport';

/** One of `choices`, each with the same chance. */
export function anyOf(choices: number): string {
  return `numgen random mod ${choices}`;
}

/** A slot of what the destination names, as the key of a map of endpoints. */
export function slotOf(protocol: ServiceProtocol, by: 'address' | 'port', choices: number): string {
  return `${by === 'address' ? 'ip daddr . ' : ''}${protocol} dport . ${anyOf(choices)}`;
}

/** Set on packets whose source becomes this node's address; the bit that kube-proxy uses for the same. */
const MASQUERADE_BIT = 0x4000;
export const MASQUERADE = `meta mark set meta mark | ${hex(MASQUERADE_BIT)}`;
/** The node itself is no pod: answers to it must come back this way. */
export const MASQUERADE_UNLESS_POD = `iifname != ${PODS_LINK} ${MASQUERADE}`;

/** What tells a client that nobody listens. */
export const REFUSE_CHAIN = 'refuse';

/** A set or map as nft(8) declares it, and the types as a listing shows them. */
export interface Declaration {
  readonly kind: 'set' | 'map';
  /** What stands between the braces. */
  readonly text: string;
  /** Key types, `:` and data types, and flags that matter. */
  readonly types: string;
}

export interface Chain {
  /** Type, hook and priority of a chain that the kernel calls; empty for one that rules call. */
  readonly hook: string;
  readonly rules: readonly string[];
}

/**
 * The clients that an endpoint has had lately, for session affinity; its elements are the kernel's to make. It reserves
 * a hash table for as many as may ever be there, 64 KiB for these; for 65,535 a thousand endpoints took 2 GB and 10 s.
 */
export const CLIENTS: Declaration = {
  kind: 'set',
  text: 'type ipv4_addr; size 6144; flags dynamic,timeout;',
  types: 'ipv4_addr timeout',
};

const ADDRESS_KEY = 'ipv4_addr . inet_proto . inet_service';
const PORT_KEY = 'inet_proto . inet_service';
const SOCKET = 'ipv4_addr . inet_service';

/** Elements in this order: what decides who is reached comes after what it leads to. */
export const OWN_SETS = {
  /** The endpoints of a service by slot; slots are numbered from 0 without gaps. */
  'tcp-endpoints': slots('tcp', 'address'),
  'udp-endpoints': slots('udp', 'address'),
  'sctp-endpoints': slots('sctp', 'address'),
  'tcp-node-port-endpoints': slots('tcp', 'port'),
  'udp-node-port-endpoints': slots('udp', 'port'),
  'sctp-node-port-endpoints': slots('sctp', 'port'),
  /** Those of this node, for clients from outside with policy Local. */
  'tcp-local-endpoints': slots('tcp', 'address'),
  'udp-local-endpoints': slots('udp', 'address'),
  'sctp-local-endpoints': slots('sctp', 'address'),
  'tcp-local-node-port-endpoints': slots('tcp', 'port'),
  'udp-local-node-port-endpoints': slots('udp', 'port'),
  'sctp-local-node-port-endpoints': slots('sctp', 'port'),
  /** An endpoint twice: what comes from it and goes to it must not bear its own address. */
  hairpins: { kind: 'set', text: 'type ipv4_addr . ipv4_addr;', types: 'ipv4_addr . ipv4_addr' },
  /** Which sockets are portals, and which clients are led to them. */
  'portal-sockets': { kind: 'set', text: `type ${ADDRESS_KEY};`, types: ADDRESS_KEY },
  portals: typedMap(ADDRESS_KEY, SOCKET),
  'node-port-portals': typedMap(PORT_KEY, SOCKET),
  /** Who may come through a load balancer. */
  'source-ranges': typedMap(ADDRESS_KEY, 'verdict'),
  /** How one of the endpoints is picked. */
  services: typedMap(ADDRESS_KEY, 'verdict'),
  'node-ports': typedMap(PORT_KEY, 'verdict'),
  /** The same for clients from outside, where the policy is Local. */
  'local-services': typedMap(ADDRESS_KEY, 'verdict'),
  'local-node-ports': typedMap(PORT_KEY, 'verdict'),
  /** What has no endpoint. */
  refused: typedMap(ADDRESS_KEY, 'verdict'),
  'refused-node-ports': typedMap(PORT_KEY, 'verdict'),
} as const satisfies Record<string, Declaration>;

export type OwnSet = keyof typeof OWN_SETS;

/** The chains of a node that do not depend on its services. */
export function ownChains(node: ProxyNode): ReadonlyMap<string, Chain> {
  const nodePorts = (next: string): readonly string[] => atOwnAddress(node).map((when) => `${when} goto ${next}`);
  const guard = `${BY_ADDRESS} vmap @source-ranges`;
  const byAddress = [`dnat ip to ${BY_ADDRESS} map @portals`, `${BY_ADDRESS} vmap @services`];
  return new Map<string, Chain>([
    // Translation: one before iptables' own (dstnat, srcnat), so that it does not depend on which was made first.
    [
      'nat-prerouting',
      {
        hook: 'nat prerouting -101',
        rules: [
          guard,
          // To pods and the node itself every endpoint is open, by whatever address.
          `iifname ${PODS_LINK} goto services`,
          `${BY_ADDRESS} vmap @local-services`,
          ...byAddress,
          ...nodePorts('outside-node-ports'),
        ],
      },
    ],
    ['nat-output', { hook: 'nat output -101', rules: [guard, 'goto services'] }],
    [
      'nat-postrouting',
      {
        hook: 'nat postrouting 99',
        rules: [
          `meta mark & ${hex(MASQUERADE_BIT)} == ${hex(MASQUERADE_BIT)} ` +
            `meta mark set meta mark & ${hex(~MASQUERADE_BIT >>> 0)} masquerade fully-random`,
          'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
        ],
      },
    ],
    ['services', { hook: '', rules: [...byAddress, ...nodePorts('node-ports')] }],
    ['outside-node-ports', { hook: '', rules: [`${BY_PORT} vmap @local-node-ports`, 'goto node-ports'] }],
    [
      'node-ports',
      { hook: '', rules: [`dnat ip to ${BY_PORT} map @node-port-portals`, `${BY_PORT} vmap @node-ports`] },
    ],
    // Refusal: before iptables' filter, whose guards would drop without a word.
    [
      'filter-input',
      {
        hook: 'filter input -10',
        rules: [
          'ct status dnat accept',
          // Nobody calls a portal by its own address: only the way through a service passes the tenant check.
          `${BY_ADDRESS} @portal-sockets drop`,
          'ct state new goto refused',
        ],
      },
    ],
    ['filter-forward', { hook: 'filter forward -10', rules: ['ct state new goto refused'] }],
    ['filter-output', { hook: 'filter output -10', rules: ['ct state new goto refused'] }],
    [
      'refused',
      {
        hook: '',
        // An endpoint may have the number of a node port that nobody serves.
        rules: ['ct status dnat accept', `${BY_ADDRESS} vmap @refused`, ...nodePorts('refused-node-ports')],
      },
    ],
    ['refused-node-ports', { hook: '', rules: [`${BY_PORT} vmap @refused-node-ports`] }],
    [REFUSE_CHAIN, { hook: '', rules: ['reject with icmp port-unreachable'] }],
  ]);
}

/** A prefix as nft prints it. */
export function spelledPrefix(prefix: Prefix): string {
  return prefix.length === 32 ? `${prefix.address}` : `${prefix}`;
}

/** Loopback is never a node port's: what is sent there could not be answered from elsewhere. */
function atOwnAddress({ nodePortAddresses }: ProxyNode): readonly string[] {
  const isOwn = 'fib daddr type local ip daddr';
  if (nodePortAddresses.length === 0 || nodePortAddresses.some(({ family, length }) => family === 4 && length === 0))
    return [`${isOwn} != 127.0.0.0/8`];
  return nodePortAddresses
    .filter(({ family, address }) => family === 4 && address.value >> 24n !== 127n)
    .map((prefix) => `${isOwn} ${spelledPrefix(prefix)}`);
}

/**
 * Only an expression can say that a key ends with a number, and then data are expressions too. A map for every
 * protocol, where one could do: a port among the data is a certain protocol's, and nft makes each rule with the map
 * match that; called `th dport` it would be any's, but nft 1.0.6 takes no more rules for such a map once the kernel has
 * it ("conflicting protocols specified: ip vs. th").
 */
function slots(protocol: ServiceProtocol, by: 'address' | 'port'): Declaration {
  return {
    kind: 'map',
    text: `typeof ${slotOf(protocol, by, 2)} : ip daddr . ${protocol} dport;`,
    types: `${by === 'address' ? 'ipv4_addr . ' : ''}inet_service . integer : ${SOCKET}`,
  };
}

function typedMap(key: string, data: string): Declaration {
  return { kind: 'map', text: `type ${key} : ${data};`, types: `${key} : ${data}` };
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
