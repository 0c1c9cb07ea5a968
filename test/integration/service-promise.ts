/**
 * What Kubernetes promises to whoever speaks to a service, and what Tenet promises beyond, as a statement about single
 * packets at one node. It says what is to come of a packet, not by which rules: it knows nothing of any back end.
 *
 * From the documentation of Services ("Virtual IPs and Service Proxies", "Service Internal Traffic Policy", "Topology
 * Aware Routing", "Source IP", "EndpointSlices"), KEP-1669 (terminating endpoints) and KEP-3015 (node hints).
 */
import type { EndpointSlice, Service, ServiceEndpoint, ServicePort } from '@tenet/model';
import type { Portal, ProxyNode } from '@tenet/proxy';
import { type Ip, Prefix } from '@tenet/std';
import { NODE_NETWORK, SECOND_NODE_IP } from './service-node.ts';
import type { Promised } from './service-outcome.ts';
import type { ServicePacket } from './service-packet.ts';

/** All that a promise depends on. */
export interface ServiceWorld {
  /** Other software of the node has nothing forwarded that nobody accepts. */
  readonly isForwardingRefused: boolean;
  readonly node: ProxyNode;
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  /** By `ns/name:port`, where the first clients of a sleeping service wait. */
  readonly portals: ReadonlyMap<string, Portal>;
}

export interface PacketPromise {
  /** It is kept when one of these comes of the packet. */
  readonly outcomes: readonly Promised[];
  /** The clause that it follows from. */
  readonly clause: string;
  /** Clients are to stay with their endpoint of this port. */
  readonly affinity?: string;
}

/** By which of its addresses a service was spoken to. */
type Way = 'cluster IP' | 'external IP' | 'load balancer' | 'node port';

interface Hit {
  readonly service: Service;
  readonly port: ServicePort;
  readonly way: Way;
}

interface Endpoint extends ServiceEndpoint {
  readonly port: number;
}

const { clusterNetworks, serviceNetwork, gateway, nodeIp } = NODE_NETWORK;
const UPLINK_IPS = [nodeIp, SECOND_NODE_IP];
const OWN_IPS = [gateway, ...UPLINK_IPS];
/** Hand-made endpoints there are ignored. */
const LOOPBACK = Prefix.parse('127.0.0.0/8');
const LINK_LOCAL = Prefix.parse('169.254.0.0/16');

export function promiseTo(packet: ServicePacket, world: ServiceWorld): PacketPromise {
  const hit = hitOf(packet, world);
  return hit === undefined ? withoutService(packet, world) : throughService(packet, hit, world);
}

function throughService(packet: ServicePacket, hit: Hit, world: ServiceWorld): PacketPromise {
  const { from } = packet;
  const { service, way } = hit;
  // decisions on tenancy: a cluster IP is for pods and for the node itself.
  if (way === 'cluster IP' && from === 'outside') return { clause: 'cluster IP from outside', outcomes: [DROPPED] };
  const all = endpointsOf(hit, world);
  const here = inUse(all.filter(({ nodeName }) => nodeName === world.node.name));
  const somewhere = inUse(all);
  const portal = service.idledAt !== undefined && somewhere.length === 0 ? world.portals.get(keyOf(hit)) : undefined;
  if (way === 'load balancer' && !mayEnter(packet, service)) {
    const isEmpty = somewhere.length === 0 && portal === undefined;
    const outcomes = [
      DROPPED,
      // Its own packet may also go to the balancer itself, which is somebody else's.
      ...(from === 'node' ? [leaving(packet)] : []),
      // Where nobody is, nobody is kept from anything.
      ...(isEmpty ? [REFUSED] : []),
    ];
    return { clause: `source range, ${from}`, outcomes };
  }
  if (portal !== undefined)
    return { clause: `portal by ${way}, ${from}`, outcomes: [{ kind: 'to', ...portal, sources: [packet.source] }] };

  const policy = way === 'cluster IP' ? service.internalTrafficPolicy : service.externalTrafficPolicy;
  // Only what comes from outside is bound by the external policy: pods and the node could as well use the cluster IP.
  const isBound = policy === 'Local' && (way === 'cluster IP' || from === 'outside');
  const chosen = isBound ? here : near(somewhere, world.node);
  const clause = `${way}, ${policy}, ${from}`;
  if (chosen.length === 0) {
    const isElsewhere = somewhere.length > 0;
    return {
      clause: `${clause}, ${isElsewhere ? 'none here' : 'no endpoint'}`,
      outcomes: [isElsewhere ? DROPPED : REFUSED],
    };
  }
  const isKept = from === 'pod' ? way === 'cluster IP' || policy === 'Local' : from === 'outside' && policy === 'Local';
  return {
    clause: chosen.some(({ ip }) => ip.equals(packet.source)) ? `${clause}, perhaps itself` : clause,
    outcomes: chosen.map((endpoint) => delivered(packet, endpoint, isKept)),
    ...(service.affinitySeconds !== undefined && { affinity: keyOf(hit) }),
  };
}

/** To this endpoint, with the sources that it may see. */
function delivered(packet: ServicePacket, { ip, port }: Endpoint, isKept: boolean): Promised {
  const to = { kind: 'to', ip, port } as const;
  if (isOwn(ip)) {
    // It stays on the node: nothing is translated on the way in, and its own talk to itself may bear any own address.
    return { ...to, sources: packet.from === 'node' ? [packet.source, ...OWN_IPS] : [packet.source] };
  }
  const isPod = isPodIp(ip);
  // An endpoint that would see its own address would answer itself.
  const bearsNode = !isKept || ip.equals(packet.source) || (packet.from === 'pod' && !isPod);
  if (!bearsNode) return { ...to, sources: [packet.source] };
  return { ...to, sources: isPod ? [gateway] : UPLINK_IPS };
}

/** A packet that is for no service. */
function withoutService(packet: ServicePacket, world: ServiceWorld): PacketPromise {
  const isStopped = packet.from === 'outside' && world.isForwardingRefused;
  const { from, destination, port } = packet;
  const untouched: Promised = { kind: 'to', ip: destination, port, sources: [packet.source] };
  if (isPortal(packet, world)) return { clause: `portal itself, ${from}`, outcomes: [DROPPED] };
  if (isOwn(destination)) return { clause: `the node itself, ${from}`, outcomes: [untouched] };
  if (serviceNetwork.contains(destination)) {
    // What is sent back to br0 ends there, whatever its source.
    const back: Promised = { ...untouched, sources: [packet.source, gateway] };
    const outcomes = from === 'outside' ? [DROPPED] : [DROPPED, REFUSED, back];
    return { clause: `no such service, ${from}`, outcomes };
  }
  if (isPodIp(destination))
    return { clause: `a pod itself, ${from}`, outcomes: [from === 'outside' ? DROPPED : untouched] };
  return { clause: `outside itself, ${from}`, outcomes: [isStopped ? DROPPED : leaving(packet)] };
}

/** A portal is for who came by a service: whoever finds its address would else reach, and wake, any project's. */
function isPortal({ protocol, destination, port }: ServicePacket, { services, portals }: ServiceWorld): boolean {
  return services.some((service) =>
    service.ports.some((each) => {
      const portal = portals.get(keyOf({ service, port: each }));
      return each.protocol === protocol && portal?.ip.equals(destination) === true && portal.port === port;
    }),
  );
}

/** Untranslated to the world, as far as its destination goes. */
function leaving({ from, destination: ip, port, source }: ServicePacket): Promised {
  return { kind: 'to', ip, port, sources: from === 'pod' ? UPLINK_IPS : [source] };
}

/** Of services that ask for the same, the oldest has it. */
function hitOf(packet: ServicePacket, { services, node }: ServiceWorld): Hit | undefined {
  const byAge = services.filter(({ clusterIps }) => clusterIps.length > 0).toSorted(byCreation);
  const hits = byAge.flatMap((service) => {
    const way = wayTo(packet.destination, service);
    const port = service.ports.find((each) => each.protocol === packet.protocol && each.port === packet.port);
    return way === undefined || port === undefined ? [] : [{ service, port, way }];
  });
  if (hits.length > 0 || !isNodePortAddress(packet.destination, node)) return hits[0];
  return byAge.flatMap((service) => {
    const port = service.ports.find((each) => each.protocol === packet.protocol && each.nodePort === packet.port);
    return port === undefined ? [] : [{ service, port, way: 'node port' as const }];
  })[0];
}

function byCreation(a: Service, b: Service): number {
  return a.createdAt < b.createdAt ? -1 : 1;
}

/** An address that is the balancer's too is the balancer's; one within the cluster is nobody's to publish. */
function wayTo(ip: Ip, { clusterIps, externalIps, loadBalancerIps }: Service): Way | undefined {
  const isIn = (ips: readonly Ip[]) => ips.some((each) => each.equals(ip));
  if (isIn(clusterIps)) return 'cluster IP';
  if (isPodIp(ip) || serviceNetwork.contains(ip)) return undefined;
  if (isIn(loadBalancerIps)) return 'load balancer';
  return isIn(externalIps) ? 'external IP' : undefined;
}

function isNodePortAddress(ip: Ip, { nodePortAddresses }: ProxyNode): boolean {
  return isOwn(ip) && (nodePortAddresses.length === 0 || nodePortAddresses.some((range) => range.contains(ip)));
}

function mayEnter({ source }: ServicePacket, { sourceRanges }: Service): boolean {
  return sourceRanges.length === 0 || sourceRanges.some((range) => range.contains(source));
}

/** A service's port finds its endpoints by the name of the port; one may be in several slices. */
function endpointsOf({ service, port }: Hit, { slices }: ServiceWorld): readonly Endpoint[] {
  const found = slices
    .filter((slice) => slice.namespace === service.namespace && slice.service === service.name)
    .flatMap(({ ports, endpoints }) => {
      const target = ports.find(({ name, protocol }) => name === port.name && protocol === port.protocol);
      return target === undefined ? [] : endpoints.map((endpoint) => ({ ...endpoint, port: target.port }));
    });
  return found.filter(({ ip }) => !LOOPBACK.contains(ip) && !LINK_LOCAL.contains(ip) && !serviceNetwork.contains(ip));
}

/** Those that are ready; while there is none, those that still serve though they are going. */
function inUse(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter(({ serving, terminating }) => serving && terminating);
}

/** Hints are heeded when every ready endpoint has one, and one is for here. */
function near(endpoints: readonly Endpoint[], { name, zone = '' }: ProxyNode): readonly Endpoint[] {
  if (!endpoints.every(({ ready }) => ready)) return endpoints;
  for (const [hint, here] of [
    ['forNodes', name],
    ['forZones', zone],
  ] as const) {
    const isHinted = endpoints.every((endpoint) => endpoint[hint] !== undefined);
    const hinted = endpoints.filter((endpoint) => endpoint[hint]?.includes(here));
    if (isHinted && hinted.length > 0) return hinted;
  }
  return endpoints;
}

function keyOf({ service, port }: Pick<Hit, 'service' | 'port'>): string {
  return `${service.namespace}/${service.name}:${port.name}`;
}

function isOwn(ip: Ip): boolean {
  return OWN_IPS.some((own) => own.equals(ip));
}

function isPodIp(ip: Ip): boolean {
  return clusterNetworks.some((range) => range.contains(ip));
}

const DROPPED = { kind: 'dropped' } as const;
const REFUSED = { kind: 'refused' } as const;
