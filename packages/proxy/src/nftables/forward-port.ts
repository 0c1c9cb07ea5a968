/** One port of a service as elements of the table's maps, and as chains of its own where data do not suffice. */
import type { Ip } from '@tenet/std';
import { type ProxiedEndpoint, type ProxiedPort, type ProxyNode, portLabel } from '../proxied-port.ts';
import {
  anyOf,
  MASQUERADE,
  MASQUERADE_UNLESS_POD,
  type OwnSet,
  REFUSE_CHAIN,
  slotOf,
  spelledPrefix,
} from './own-table.ts';

export interface Element {
  readonly set: OwnSet;
  readonly key: string;
  /** Comment and data, as they are written behind the key. */
  readonly tail: string;
}

export interface Forwarding {
  /** No other port has an element with one of these keys. */
  readonly elements: readonly Element[];
  /** The same for every port that has them. */
  readonly sharedElements: readonly Element[];
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** The same for every port that has as many endpoints. */
  readonly sharedChains: ReadonlyMap<string, readonly string[]>;
  /** Where the clients of each endpoint are remembered. */
  readonly clientSets: readonly string[];
}

/** An element's comment has no room for more (libnftnl's NFTNL_UDATA_COMMENT_MAXLEN). */
const COMMENT_CHARACTERS = 128;

/** Who is led where, and under which name: what comes of the source depends on it. */
type Way = 'pick' | 'pick-masq' | 'pick-local' | 'pick-here';

/** What is done with the source of a packet that goes this way. */
const SOURCE_RULES = {
  /** From a pod or from the node itself: pods keep their addresses. */
  pick: [MASQUERADE_UNLESS_POD],
  /** The same with internalTrafficPolicy Local. */
  'pick-here': [MASQUERADE_UNLESS_POD],
  /** By an address that the world knows: whoever comes is masqueraded, as endpoints may be on other nodes. */
  'pick-masq': [MASQUERADE],
  /** From outside to an endpoint of this node: everybody keeps his address. */
  'pick-local': [],
} as const satisfies Record<Way, readonly string[]>;

/** What a port's service is known by: one of its addresses, or the node port. */
interface Name {
  readonly by: 'address' | 'port';
  readonly key: string;
  /** The key without the protocol. */
  readonly socket: string;
}

/** Everything that a port asks of the table; equal for equal ports. */
export function forwardPort(port: ProxiedPort, node: ProxyNode): Forwarding {
  const draft = new Draft(port, node);
  if (port.portal === undefined) awake(draft);
  else asleep(draft, port.portal);
  return draft;
}

function awake(draft: Draft): void {
  const { port, inside, outside } = draft;
  const { clusterEndpoints, localEndpoints, internalTrafficPolicy, externalTrafficPolicy } = port;
  if (internalTrafficPolicy === 'Local') draft.lead('services', inside, 'pick-here', localEndpoints);
  else draft.lead('services', inside, 'pick', clusterEndpoints);

  if (externalTrafficPolicy === 'Cluster') draft.lead('services', outside, 'pick-masq', clusterEndpoints);
  else if (!port.hasEndpointsSomewhere) draft.refuse(outside, `goto ${REFUSE_CHAIN}`);
  else {
    draft.lead('services', outside, 'pick', clusterEndpoints);
    draft.lead('local-services', outside, 'pick-local', localEndpoints);
  }
  if (clusterEndpoints.length > 0 || localEndpoints.length > 0) draft.guard();
}

/** Connections are held at the portal, and none is masqueraded, so that it knows its clients. */
function asleep(draft: Draft, { ip, port: number }: ProxiedEndpoint): void {
  const { port, inside, outside } = draft;
  for (const { by, key } of [...inside, ...outside])
    draft.put(by === 'address' ? 'portals' : 'node-port-portals', key, `${ip} . ${number}`);
  draft.put('portal-sockets', `${ip} . ${port.protocol} . ${number}`);
  draft.guard();
}

const BY_PORT_OF = {
  services: 'node-ports',
  'local-services': 'local-node-ports',
} as const satisfies Partial<Record<OwnSet, OwnSet>>;

/** A forwarding that is being put together. */
class Draft implements Forwarding {
  readonly elements: Element[] = [];
  readonly sharedElements: Element[] = [];
  readonly chains = new Map<string, readonly string[]>();
  readonly sharedChains = new Map<string, readonly string[]>();
  readonly clientSets: string[] = [];

  readonly port: ProxiedPort;
  /** How those inside of the cluster name it, and those outside. */
  readonly inside: readonly Name[];
  readonly outside: readonly Name[];
  readonly #node: ProxyNode;
  readonly #comment: string;
  /** `logging/logging-es/tcp/9200`, for names of chains and sets. */
  readonly #path: string;

  constructor(port: ProxiedPort, node: ProxyNode) {
    const { namespace, service, protocol, port: number, clusterIp, nodePort } = port;
    this.port = port;
    this.#node = node;
    this.#comment = portLabel(port).slice(0, COMMENT_CHARACTERS);
    this.#path = `${namespace}/${service}/${protocol}/${number}`;
    this.inside = this.#names([clusterIp]);
    this.outside = [
      ...this.#names([...port.externalIps, ...port.loadBalancerIps]),
      ...(nodePort === undefined
        ? []
        : [{ by: 'port', key: `${protocol} . ${nodePort}`, socket: `${nodePort}` } as const]),
    ];
  }

  /** Without data for a set. */
  put(set: OwnSet, key: string, data?: string): void {
    this.elements.push({ set, key, tail: ` comment "${this.#comment}"${data === undefined ? '' : ` : ${data}`}` });
  }

  /** Leads what asks for a name to one of the endpoints, or says what becomes of it when there is none. */
  lead(map: keyof typeof BY_PORT_OF, names: readonly Name[], way: Way, endpoints: readonly ProxiedEndpoint[]): void {
    if (endpoints.length === 0) {
      // A load balancer must look elsewhere while another node can serve: it hears nothing.
      if (map === 'local-services') this.#decide(map, names, 'drop');
      else this.refuse(names, way === 'pick-here' && this.port.hasEndpointsSomewhere ? 'drop' : `goto ${REFUSE_CHAIN}`);
      return;
    }
    for (const { ip } of endpoints) {
      const pod = `${ip}`;
      this.sharedElements.push({ set: 'hairpins', key: `${pod} . ${pod}`, tail: '' });
    }
    for (const name of names) {
      const chain =
        this.port.affinitySeconds === undefined
          ? this.#pick(name, way, endpoints)
          : this.#stick(way, endpoints, this.port.affinitySeconds);
      this.#decide(map, [name], `goto ${chain}`);
    }
  }

  refuse(names: readonly Name[], verdict: string): void {
    for (const { by, key } of names) this.put(by === 'address' ? 'refused' : 'refused-node-ports', key, verdict);
  }

  /** Those that may not come through the load balancer end here. */
  guard(): void {
    const { loadBalancerIps, sourceRanges } = this.port;
    const guarded = this.#names(loadBalancerIps);
    if (guarded.length === 0 || sourceRanges.length === 0) return;
    const { nodeIp } = this.#node;
    const ranges = sourceRanges.filter(({ family }) => family === 4);
    const sources = ranges.map((range) => (range.length === 0 ? '' : `ip saddr ${spelledPrefix(range)} `));
    // Where the load balancer's address is one of this node's own, what the node sends there bears it too.
    if (nodeIp !== undefined && ranges.some((range) => range.contains(nodeIp)))
      for (const ip of loadBalancerIps) if (ip.family === 4) sources.push(`ip saddr ${ip} `);
    const chain = `ranges/${this.#path}`;
    this.chains.set(chain, [...new Set(sources)].map((source) => `${source}return`).concat('drop'));
    for (const { key } of guarded) this.put('source-ranges', key, `jump ${chain}`);
  }

  #decide(map: keyof typeof BY_PORT_OF, names: readonly Name[], verdict: string): void {
    for (const { by, key } of names) this.put(by === 'address' ? map : BY_PORT_OF[map], key, verdict);
  }

  /** By data: a slot is drawn, and the endpoint looked up. */
  #pick({ by, socket }: Name, way: Way, endpoints: readonly ProxiedEndpoint[]): string {
    const { protocol } = this.port;
    const whose = way === 'pick-local' ? 'local-' : '';
    const set: OwnSet = `${protocol}-${whose}${by === 'port' ? 'node-port-' : ''}endpoints`;
    endpoints.forEach(({ ip, port }, slot) => {
      this.elements.push({ set, key: `${socket} . ${slot}`, tail: ` : ${ip} . ${port}` });
    });
    // To data it is the same whose endpoints they are.
    const shared = way === 'pick-here' ? 'pick' : way;
    const chain = `${by === 'port' ? 'node-' : ''}${shared}-${protocol}-${endpoints.length}`;
    this.sharedChains.set(chain, [
      ...SOURCE_RULES[way],
      `dnat ip to ${slotOf(protocol, by, endpoints.length)} map @${set}`,
      // The slot is gone when the number of endpoints changed since this packet was led here. Sent on, it would be
      // tracked as a connection that is not translated, and all that follows it as well; now the next one is.
      'drop',
    ]);
    return chain;
  }

  /**
   * With memory: an endpoint that this client has had lately, else any. Each endpoint has a set of its own, so that
   * it takes its clients along when it goes, and leaves those of others alone.
   */
  #stick(way: Way, endpoints: readonly ProxiedEndpoint[], seconds: number): string {
    const chain = `${way}/${this.#path}`;
    if (this.chains.has(chain)) return chain;
    const { protocol } = this.port;
    const targets = endpoints.map(({ ip, port }) => {
      const clients = `clients/${this.#path}/${ip}/${port}`;
      if (!this.clientSets.includes(clients)) this.clientSets.push(clients);
      const remember = `update @${clients} { ip saddr timeout ${seconds}s }`;
      return { clients, take: `${remember} meta l4proto ${protocol} dnat ip to ${ip}:${port}` };
    });
    const slots = endpoints.map(({ ip, port }, slot) => `${slot} : ${ip} . ${port}`);
    this.chains.set(chain, [
      ...SOURCE_RULES[way],
      ...targets.map(({ clients, take }) => `ip saddr @${clients} ${take}`),
      ...targets.map(({ take }, at) => (at === targets.length - 1 ? take : `${anyOf(targets.length - at)} 0 ${take}`)),
      // Only who finds a full set comes here: he is served, and forgotten.
      `meta l4proto ${protocol} dnat ip to ${anyOf(targets.length)} map { ${slots.join(', ')} }`,
    ]);
    return chain;
  }

  #names(ips: readonly Ip[]): readonly Name[] {
    const { protocol, port } = this.port;
    const distinct = new Set(ips.filter(({ family }) => family === 4).map(String));
    return [...distinct].map((ip) => ({
      by: 'address',
      key: `${ip} . ${protocol} . ${port}`,
      socket: `${ip} . ${port}`,
    }));
  }
}
