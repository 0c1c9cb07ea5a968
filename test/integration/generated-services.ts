/** Services of every kind, with endpoints in every state, as a seed decides. */
import {
  type EndpointSlice,
  parseEndpointSlice,
  parseService,
  type Service,
  type ServiceEndpoint,
  type ServicePort,
  type ServiceProtocol,
} from '@tenet/model';
import type { Portal, ProxyNode } from '@tenet/proxy';
import { Ip, Prefix } from '@tenet/std';
import type { Seeded } from '../soak/seeded.ts';
import { NODE_NETWORK, PROXY_NODE, SECOND_NODE_IP } from './service-node.ts';
import type { ServiceWorld } from './service-promise.ts';

/** One service with all that belongs to it. What did not change from one world to the next is the same object. */
export interface GeneratedService {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly portals: readonly (readonly [key: string, portal: Portal])[];
}

const PROTOCOLS: readonly ServiceProtocol[] = ['tcp', 'tcp', 'tcp', 'udp', 'udp', 'sctp'];
const PORTS = [53, 80, 443, 8080, 9200];
const RANGES = ['203.0.113.0/25', '192.0.2.8/29', '10.131.2.0/28', '10.122.70.72/32', '10.128.0.0/14', '198.18.0.0/16'];
const OTHER_NODE = Ip.parse('10.122.70.73');
const BEYOND = Ip.parse('192.0.2.50');

const CAREFUL_NODE: ProxyNode = { ...PROXY_NODE, nodePortAddresses: [Prefix.parse('10.122.70.0/24')] };

/** In two worlds node ports are at all of the node's addresses, in the next two at one. */
function nodeOf(round: number): ProxyNode {
  return round % 4 < 2 ? PROXY_NODE : CAREFUL_NODE;
}

/** Each has its number, which its addresses and ports follow from. */
export function generatedServices(random: Seeded, count: number): ReadonlyMap<number, GeneratedService> {
  return new Map(Array.from({ length: count }, (_, number) => [number, generatedService(random, number)]));
}

/** Some go, some change, as many come as went. */
export function changedServices(
  random: Seeded,
  before: ReadonlyMap<number, GeneratedService>,
): ReadonlyMap<number, GeneratedService> {
  const after = new Map(before);
  let next = Math.max(-1, ...before.keys()) + 1;
  for (const [number, was] of before) {
    const lot = random.next();
    if (lot < 0.1) {
      after.delete(number);
      after.set(next, generatedService(random, next));
      next++;
    } else if (lot < 0.25) after.set(number, generatedService(random, number));
    else if (lot < 0.4) after.set(number, { ...was, ...endpointsFor(random, was.service) });
  }
  return after;
}

export function worldOf(services: ReadonlyMap<number, GeneratedService>, round: number): ServiceWorld {
  const all = [...services.values()];
  return {
    node: nodeOf(round),
    isForwardingRefused: round % 2 === 0,
    services: all.map(({ service }) => service),
    slices: all.flatMap(({ slices }) => slices),
    portals: new Map(all.flatMap(({ portals }) => portals)),
  };
}

/** What all have in common: their pods are selected, and the cluster's own controller keeps their slices. */
const PLAIN_SERVICE = parseService({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'plain' } },
  spec: { selector: { app: 'plain' } },
});
const PLAIN_SLICE = parseEndpointSlice({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
  metadata: {
    name: 'plain',
    labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
  },
});

/** The node's pods that may be endpoints and clients. */
export function podHere(random: Seeded): Ip {
  return Ip.parse(`10.131.2.${whole(random, 8, 40)}`);
}

export function podElsewhere(random: Seeded): Ip {
  return Ip.parse(`10.129.4.${whole(random, 2, 30)}`);
}

/** In [low, high). */
export function whole(random: Seeded, low: number, high: number): number {
  return Math.floor(random.between(low, high));
}

function generatedService(random: Seeded, number: number): GeneratedService {
  const type = random.pick(['ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer'] as const);
  const isHeadless = type === 'ClusterIP' && random.isChance(0.1);
  const isIdled = random.isChance(0.2);
  const balancer = Ip.parse(`198.18.${Math.floor(number / 200)}.${(number % 200) + 1}`);
  const externalIps = random.isChance(0.35) ? [externalIp(random), ...(random.isChance(0.2) ? [balancer] : [])] : [];
  const service: Service = {
    ...PLAIN_SERVICE,
    namespace: random.pick(['alpha', 'beta', 'default']),
    name: `service-${number}`,
    uid: `uid-${number}`,
    // Older and younger, whatever the order of the numbers.
    createdAt: `2026-${10 + (number % 3)}-01T00:00:${String(number % 60).padStart(2, '0')}.${number}Z`,
    clusterIps: isHeadless ? [] : [Ip.parse(`172.30.${Math.floor(number / 200)}.${(number % 200) + 1}`)],
    ports: portsOf(random, number, type !== 'ClusterIP'),
    externalIps,
    loadBalancerIps: type === 'LoadBalancer' ? [balancer] : [],
    sourceRanges: type === 'LoadBalancer' && random.isChance(0.5) ? rangesOf(random) : [],
    externalTrafficPolicy: type !== 'ClusterIP' && random.isChance(0.45) ? 'Local' : 'Cluster',
    internalTrafficPolicy: random.isChance(0.25) ? 'Local' : 'Cluster',
    ...(random.isChance(0.35) && { affinitySeconds: random.pick([60, 10_800, 86_400]) }),
    ...(isIdled && { idledAt: '2026-11-23T00:00:00Z' }),
  };
  return { service, ...endpointsFor(random, service) };
}

function externalIp(random: Seeded): Ip {
  const lot = random.next();
  if (lot < 0.08) return SECOND_NODE_IP;
  // A pod's address, which nobody may publish.
  if (lot < 0.16) return podHere(random);
  return Ip.parse(`198.51.100.${whole(random, 1, 30)}`);
}

function rangesOf(random: Seeded): readonly Prefix[] {
  return Array.from({ length: whole(random, 1, 4) }, () => Prefix.parse(random.pick(RANGES)));
}

function portsOf(random: Seeded, number: number, hasNodePorts: boolean): readonly ServicePort[] {
  const count = random.pick([1, 1, 1, 2, 3]);
  const ports = new Map<string, ServicePort>();
  for (let at = 0; at < count; at++) {
    const protocol = random.pick(PROTOCOLS);
    const port = random.pick(PORTS);
    const name = count === 1 && random.isChance(0.5) ? '' : `port-${at}`;
    ports.set(`${protocol} ${port}`, {
      name,
      protocol,
      port,
      ...(hasNodePorts && random.isChance(0.9) && { nodePort: 30_000 + number * 4 + at }),
    });
  }
  return [...ports.values()];
}

function endpointsFor(random: Seeded, service: Service): Pick<GeneratedService, 'slices' | 'portals'> {
  const { namespace, name, ports, idledAt } = service;
  const isAsleep = idledAt !== undefined && random.isChance(0.8);
  const count = isAsleep ? 0 : random.pick([0, 1, 1, 2, 2, 3, 3, 5, 8]);
  const places = random.pick(['mixed', 'mixed', 'mixed', 'here', 'elsewhere'] as const);
  const states = random.pick(['mixed', 'mixed', 'mixed', 'going'] as const);
  const hints = random.pick(['none', 'none', 'none', 'none', 'forZones', 'forNodes', 'both'] as const);
  const isFlawed = random.isChance(0.2);
  const drawn = Array.from({ length: count }, (_, at) => ({
    ...placeOf(random, places),
    ...stateOf(random, states),
    ...hintsOf(random, isFlawed && at === 0 ? 'none' : hints),
  }));
  // What an address means that says two things of itself at once is promised nowhere.
  const endpoints = [...new Map(drawn.map((endpoint) => [String(endpoint.ip), endpoint])).values()];
  const first = endpoints.slice(0, Math.ceil(endpoints.length / 2));
  // While endpoints move between slices they are in both.
  const second = [...endpoints.slice(first.length), ...(random.isChance(0.2) ? first.slice(0, 1) : [])];
  const sliceOf = (part: readonly ServiceEndpoint[], at: number, base: number): EndpointSlice => ({
    ...PLAIN_SLICE,
    ...{ namespace, name: `${name}-${at}`, service: name, endpoints: part },
    ports: ports.map((port, index) => ({ name: port.name, protocol: port.protocol, port: base + index })),
  });
  const base = random.pick([8080, 9200, 53]);
  return {
    slices: random.isChance(0.1) && count === 0 ? [] : [sliceOf(first, 0, base), sliceOf(second, 1, base)],
    portals:
      !isAsleep || service.clusterIps.length === 0
        ? []
        : ports
            .filter(({ protocol }) => protocol !== 'sctp')
            .map((port, at) => {
              const number = 40_000 + Number(name.slice('service-'.length)) * 4 + at;
              return [`${namespace}/${name}:${port.name}`, { ip: NODE_NETWORK.gateway, port: number }] as const;
            }),
  };
}

function placeOf(random: Seeded, places: 'mixed' | 'here' | 'elsewhere'): { ip: Ip; nodeName?: string } {
  const lot = random.next();
  if (places === 'here' || (places === 'mixed' && lot < 0.45))
    return { ip: podHere(random), nodeName: PROXY_NODE.name };
  if (places === 'elsewhere' || lot < 0.84) return { ip: podElsewhere(random), nodeName: 'node-b' };
  if (lot < 0.88) return { ip: OTHER_NODE, nodeName: 'node-b' };
  if (lot < 0.92) return { ip: BEYOND };
  if (lot < 0.96) return { ip: NODE_NETWORK.nodeIp, nodeName: PROXY_NODE.name };
  return { ip: Ip.parse(random.pick(['127.0.0.1', '169.254.169.254'])) };
}

function stateOf(
  random: Seeded,
  states: 'mixed' | 'going',
): Pick<ServiceEndpoint, 'ready' | 'serving' | 'terminating'> {
  const lot = states === 'going' ? random.between(0.85, 1) : random.next();
  if (lot < 0.75) return { ready: true, serving: true, terminating: false };
  if (lot < 0.85) return { ready: false, serving: false, terminating: false };
  return { ready: false, serving: lot < 0.95, terminating: true };
}

function hintsOf(
  random: Seeded,
  hints: 'none' | 'forZones' | 'forNodes' | 'both',
): Pick<ServiceEndpoint, 'forZones' | 'forNodes'> {
  return {
    ...((hints === 'forZones' || hints === 'both') && { forZones: [random.pick(['zone-1', 'zone-2'])] }),
    ...((hints === 'forNodes' || hints === 'both') && { forNodes: [random.pick(['node-a', 'node-b'])] }),
  };
}
