import type { EndpointSlice, Service, ServicePort } from '@tenet/model';
import { type Candidate, chooseEndpoints } from './choose-endpoints.ts';
import { gatherCandidates } from './gather-candidates.ts';
import type { Portal, ProxiedPort, ProxyNode } from './proxied-port.ts';
import { type IgnoredAddress, serviceAddresses } from './service-addresses.ts';
import { type HolderOf, lostClusterIp, outcomeOf, portKeyOf } from './service-claims.ts';
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
  readonly portalOf: (portKey: string) => Portal | undefined;
  readonly holderOf: HolderOf;
}

/** Makes a service's ports. One whose cluster IP is another service's is not served at all, as it has no flows. */
export function proxyService(service: Service, around: Surroundings): ProxiedService {
  const { node, holderOf } = around;
  const addresses = serviceAddresses(service, node);
  const { clusterIp } = addresses;
  const ports = new Map<string, ProxiedPort>();
  const ignored = [...addresses.ignored];
  if (clusterIp === undefined) return { ports, ignored };
  const lost = lostClusterIp(service, clusterIp, holderOf);
  if (lost !== undefined) return { ports, ignored: [...ignored, lost] };
  const unusable = new Map<string, IgnoredAddress>();
  const readyHere = new Set<bigint>();
  for (const servicePort of service.ports) {
    const { sound, unsound } = endpointsOf(service, servicePort, around);
    for (const found of unsound) unusable.set(found.address, found);
    const outcome = outcomeOf(service, servicePort, { addresses, holderOf });
    ignored.push(...outcome.lost);
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
      clusterIp,
      port: servicePort.port,
      ...outcome.won,
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
