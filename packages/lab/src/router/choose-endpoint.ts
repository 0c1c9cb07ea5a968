import { type EndpointSliceObject, LABEL, type ServiceObject } from '@tenet/model';
import { LAB_ANNOTATION } from '../kubelet/lab-annotation.ts';

/** Where a router sends a request. */
export interface RouterTarget {
  readonly ip: string;
  readonly port: number;
}

/** What a router knows of the cluster. */
export interface RouterState {
  readonly services: Iterable<ServiceObject>;
  readonly slices: Iterable<EndpointSliceObject>;
}

/**
 * The endpoints that serve a host, in the order of their addresses: those of the service that asks for it, by their own
 * addresses and ports, as a router of OpenShift reaches them. Undefined when no service asks for that host.
 */
export function endpointsOfHost(host: string, { services, slices }: RouterState): RouterTarget[] | undefined {
  const service = [...services].find(({ metadata }) => metadata.annotations?.[LAB_ANNOTATION.host] === host);
  if (service === undefined) return undefined;
  const { namespace, name } = service.metadata;
  // As a Route that names no port: the first one of TCP.
  const portName = service.spec.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.name ?? '';
  const targets = new Map<string, RouterTarget>();
  for (const { metadata, endpoints, ports } of slices) {
    if (metadata.namespace !== namespace || metadata.labels?.[LABEL.serviceName] !== name) continue;
    const port = ports?.find((each) => (each.name ?? '') === portName && (each.protocol ?? 'TCP') === 'TCP')?.port;
    if (port === undefined || port === null) continue;
    for (const { addresses, conditions } of endpoints ?? []) {
      const [ip] = addresses;
      if (ip !== undefined && conditions?.ready !== false) targets.set(`${ip}:${port}`, { ip, port });
    }
  }
  return [...targets.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1));
}

/** The host of a request without its port, in lower case (RFC 9110 §7.2). */
export function hostOf(header: string | undefined): string {
  return (header ?? '').replace(/:\d*$/, '').toLowerCase();
}
