import { type Family, Ip } from '@tenet/std';
import { LABEL } from './labels.ts';
import type { EndpointSliceObject } from './objects.ts';
import { readable } from './readable.ts';
import { isPort, protocolOf, type ServiceProtocol } from './transport.ts';

/** A port of every endpoint of a slice. */
export interface SlicePort {
  /** Empty when it has none; a service's port finds its endpoints by this. */
  readonly name: string;
  readonly protocol: ServiceProtocol;
  readonly port: number;
}

export interface ServiceEndpoint {
  readonly ip: Ip;
  /** New connections may go to it. */
  readonly ready: boolean;
  /** It answers, though it may be going. */
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Absent for an endpoint that no node holds. */
  readonly nodeName?: string;
  /** Zones whose clients should use it; absent without a hint. */
  readonly forZones?: readonly string[];
  /** Nodes whose clients should use it; absent without a hint. */
  readonly forNodes?: readonly string[];
}

/** Some endpoints of a service, of one address family. */
export interface EndpointSlice {
  readonly namespace: string;
  readonly name: string;
  /** The service's name, of the same namespace; empty when it is nobody's. */
  readonly service: string;
  /**
   * It bears the label of the cluster's own controller. Anybody can write that; where the service has a selector the
   * controller keeps what bears it as the pods are.
   */
  readonly isManaged: boolean;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly ServiceEndpoint[];
}

/** As kube-controller-manager calls itself in the label of the slices that it makes from pods. */
export const ENDPOINT_SLICE_CONTROLLER = 'endpointslice-controller.k8s.io';

type EndpointEntry = NonNullable<EndpointSliceObject['endpoints']>[number];

/**
 * Reads an EndpointSlice. It never fails: an entry that means nothing here (a port without number, an endpoint whose
 * address is none of the slice's family, a name instead of an address) is left out, and the rest goes on.
 */
export function parseEndpointSlice(object: EndpointSliceObject): EndpointSlice {
  const { name, namespace = '', labels = {} } = object.metadata;
  const family = FAMILIES.get(object.addressType);
  return {
    namespace,
    name,
    service: labels[LABEL.serviceName] ?? '',
    isManaged: labels[LABEL.managedBy] === ENDPOINT_SLICE_CONTROLLER,
    ports: (object.ports ?? []).flatMap((entry) => {
      const protocol = protocolOf(entry.protocol);
      if (protocol === undefined || !isPort(entry.port)) return [];
      return [{ name: entry.name ?? '', protocol, port: entry.port }];
    }),
    endpoints: family === undefined ? [] : (object.endpoints ?? []).flatMap((entry) => endpointsOf(entry, family)),
  };
}

/** By `addressType`. FQDN is not among them: what a name means changes with time, and no rule can hold it. */
const FAMILIES: ReadonlyMap<string, Family> = new Map([
  ['IPv4', 4],
  ['IPv6', 6],
]);

/** discovery.k8s.io/v1 Endpoint: its addresses are fungible, so that the first stands for all. */
function endpointsOf(entry: EndpointEntry, family: Family): readonly ServiceEndpoint[] {
  const { addresses, conditions, nodeName, hints } = entry;
  const ready = conditions?.ready ?? true;
  const forZones = (hints?.forZones ?? []).map(({ name }) => name);
  const forNodes = (hints?.forNodes ?? []).map(({ name }) => name);
  return readable((addresses ?? []).slice(0, 1), Ip.parse)
    .filter((ip) => ip.family === family)
    .map((ip) => ({
      ip,
      ready,
      serving: conditions?.serving ?? ready,
      terminating: conditions?.terminating ?? false,
      ...(nodeName === undefined || nodeName === null || nodeName === '' ? {} : { nodeName }),
      ...(forZones.length === 0 ? {} : { forZones }),
      ...(forNodes.length === 0 ? {} : { forNodes }),
    }));
}
