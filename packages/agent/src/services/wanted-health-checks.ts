import type { EndpointSlice, Service } from '@tenet/model';

/** What a load balancer is told that asks whether it should send to this node. */
export interface HealthCheck {
  readonly namespace: string;
  readonly service: string;
  /** Addresses of ready endpoints on this node: one that is about to go, though it still answers, does not count. */
  readonly localEndpoints: number;
}

/**
 * The health checks that a node serves, by port, from all services and slices. Of two services that claim one port the
 * older keeps it.
 */
export function wantedHealthChecks(
  services: Iterable<Service>,
  slices: ReadonlyMap<string, EndpointSlice>,
  nodeName: string,
): ReadonlyMap<number, HealthCheck> {
  const holders = new Map<number, Service>();
  for (const service of services) {
    const { healthCheckNodePort: port } = service;
    if (port === undefined) continue;
    const holder = holders.get(port);
    if (holder === undefined || ageOf(service) < ageOf(holder)) holders.set(port, service);
  }
  // Nobody asks for any in most clusters: then no slice is looked at.
  if (holders.size === 0) return new Map();
  const ready = readyHere([...holders.values()], slices.values(), nodeName);
  return new Map(
    [...holders].map(([port, { namespace, name: service }]) => [
      port,
      { namespace, service, localEndpoints: ready.get(`${namespace}/${service}`)?.size ?? 0 },
    ]),
  );
}

function ageOf({ createdAt, namespace, name }: Service): string {
  return `${createdAt} ${namespace}/${name}`;
}

/** Addresses of the ready endpoints on the node, by service. */
function readyHere(
  services: readonly Service[],
  slices: Iterable<EndpointSlice>,
  nodeName: string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map(services.map(({ namespace, name }) => [`${namespace}/${name}`, new Set<string>()]));
  for (const { namespace, service, endpoints } of slices) {
    const addresses = found.get(`${namespace}/${service}`);
    if (addresses === undefined) continue;
    for (const endpoint of endpoints) {
      if (endpoint.ready && endpoint.nodeName === nodeName && endpoint.ip.family === 4)
        addresses.add(endpoint.ip.toString());
    }
  }
  return found;
}
