import type { EndpointSlice, Service, ServicePort } from '@tenet/model';
import type { Claim } from './address-claims.ts';
import { type Candidate, chooseEndpoints } from './choose-endpoints.ts';
import { gatherCandidates } from './gather-candidates.ts';
import type { Portal, ProxiedPort, ProxyNode } from './proxied-port.ts';
import { type IgnoredAddress, type ServiceAddresses, serviceAddresses } from './service-addresses.ts';
import { whyNoEndpoint } from './why-unusable.ts';

/** What a load balancer learns from this node about a service with externalTrafficPolicy Local. */
export interface HealthCheck {
  readonly namespace: string;
  readonly service: string;
  /** Where the load balancer asks. */
  readonly nodePort: number;
  /** Addresses of this node's endpoints that are ready; a terminating one is not, so that the balancer moves on. */
  readonly localEndpoints: number;
}

/** Everything that one service asks of this node. */
export interface ProxiedService {
  /** By key, `ns/name:portName`. */
  readonly ports: ReadonlyMap<string, ProxiedPort>;
  readonly ignored: readonly IgnoredAddress[];
  readonly healthCheck?: HealthCheck;
}

/** What a service's forwarding depends on, besides itself. */
export interface Surroundings {
  readonly node: ProxyNode;
  readonly slices: readonly EndpointSlice[];
  /** Where a port's first clients wait while it sleeps, by the port's key. */
  portalOf(portKey: string): Portal | undefined;
  /** The key of the port that is served at what several may claim. */
  holderOf(what: string): string | undefined;
}

/** The key of a service's port. */
export function portKeyOf({ namespace, name }: Pick<Service, 'namespace' | 'name'>, portName: string): string {
  return `${namespace}/${name}:${portName}`;
}

/** Everything that may be asked for by other services too. */
export function claimsOf(service: Service, node: ProxyNode): readonly Claim[] {
  const addresses = serviceAddresses(service, node);
  const { clusterIp, externalIps, loadBalancerIps } = addresses;
  if (clusterIp === undefined) return [];
  return service.ports.flatMap((servicePort) => {
    const port = portKeyOf(service, servicePort.name);
    const { nodePort } = servicePort;
    return [
      ...[clusterIp, ...externalIps, ...loadBalancerIps].map((ip) => ({ what: whatOf(servicePort, ip), port })),
      ...(nodePort === undefined ? [] : [{ what: whatOf({ ...servicePort, port: nodePort }), port }]),
    ];
  });
}

/** Makes a service's ports. One whose cluster IP is another service's is not served at all. */
export function proxyService(service: Service, around: Surroundings): ProxiedService {
  const { node } = around;
  const addresses = serviceAddresses(service, node);
  if (addresses.clusterIp === undefined) return { ports: new Map(), ignored: [] };
  const ports = new Map<string, ProxiedPort>();
  const ignored = [...addresses.ignored];
  const unusable = new Map<string, IgnoredAddress>();
  const readyHere = new Set<bigint>();
  for (const servicePort of service.ports) {
    const { sound, unsound } = endpointsOf(service, servicePort, around);
    for (const found of unsound) unusable.set(found.address, found);
    const contest = contestOf(service, servicePort, { addresses, holderOf: around.holderOf });
    ignored.push(...contest.lost);
    if (contest.won === undefined) continue;
    for (const { ip, ready, nodeName } of sound) if (ready && nodeName === node.name) readyHere.add(ip.value);
    const key = portKeyOf(service, servicePort.name);
    const chosen = chooseEndpoints(sound, node);
    const portal = chosen.hasEndpointsSomewhere ? undefined : around.portalOf(key);
    const { affinitySeconds, healthCheckNodePort, internalTrafficPolicy, externalTrafficPolicy } = service;
    ports.set(key, {
      namespace: service.namespace,
      service: service.name,
      portName: servicePort.name,
      protocol: servicePort.protocol,
      port: servicePort.port,
      ...contest.won,
      sourceRanges: addresses.sourceRanges,
      internalTrafficPolicy,
      externalTrafficPolicy,
      ...chosen,
      ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
      ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
      ...(portal === undefined ? {} : { portal }),
    });
  }
  const { namespace, name, healthCheckNodePort: nodePort } = service;
  return {
    ports,
    ignored: [...ignored, ...unusable.values()],
    ...(nodePort === undefined
      ? {}
      : { healthCheck: { namespace, service: name, nodePort, localEndpoints: readyHere.size } }),
  };
}

type Won = Pick<ProxiedPort, 'clusterIp' | 'nodePort' | 'externalIps' | 'loadBalancerIps'>;

/** Of what a port asks for, what it gets. */
function contestOf(
  service: Service,
  servicePort: ServicePort,
  { addresses, holderOf }: { readonly addresses: ServiceAddresses } & Pick<Surroundings, 'holderOf'>,
): { readonly won?: Won; readonly lost: readonly IgnoredAddress[] } {
  const key = portKeyOf(service, servicePort.name);
  const lost: IgnoredAddress[] = [];
  const isWon = (field: IgnoredAddress['field'], what: string, address: string): boolean => {
    const holder = holderOf(what);
    if (holder === key) return true;
    const problem = `is served for ${holder}, which is older or comes first by name`;
    lost.push({ namespace: service.namespace, service: service.name, field, address, problem });
    return false;
  };
  const won = (field: IgnoredAddress['field'], ips: ServiceAddresses['externalIps']) =>
    ips.filter((ip) => isWon(field, whatOf(servicePort, ip), `${ip}:${servicePort.port}`));
  const { clusterIp } = addresses;
  if (clusterIp === undefined || won('clusterIP', [clusterIp]).length === 0) return { lost };
  const { nodePort } = servicePort;
  const hasNodePort =
    nodePort !== undefined && isWon('nodePort', whatOf({ ...servicePort, port: nodePort }), `:${nodePort}`);
  return {
    won: {
      clusterIp,
      ...(hasNodePort ? { nodePort } : {}),
      externalIps: won('externalIPs', addresses.externalIps),
      loadBalancerIps: won('loadBalancer', addresses.loadBalancerIps),
    },
    lost,
  };
}

/** The text under which a claim is known: a node port has no address, since it is at all of the node's. */
function whatOf({ protocol, port }: Pick<ServicePort, 'protocol' | 'port'>, ip?: { toString(): string }): string {
  return `${protocol} ${ip ?? ''}:${port}`;
}

/** The candidates of a port, and those that may be none whatever their state. */
function endpointsOf(
  { namespace, name }: Service,
  servicePort: ServicePort,
  { slices, node }: Surroundings,
): { readonly sound: readonly Candidate[]; readonly unsound: readonly IgnoredAddress[] } {
  const sound: Candidate[] = [];
  const unsound: IgnoredAddress[] = [];
  for (const candidate of gatherCandidates(slices, servicePort, node.name)) {
    const problem = whyNoEndpoint(candidate.ip, node);
    if (problem === undefined) sound.push(candidate);
    else unsound.push({ namespace, service: name, field: 'endpoints', address: `${candidate.ip}`, problem });
  }
  return { sound, unsound };
}
