import type { EndpointSliceObject, PodObject, ServiceObject } from '@tenet/model';
import { isPodReady } from '../kubelet/pod-status.ts';

type SlicePorts = NonNullable<EndpointSliceObject['ports']>;
export type SliceEndpoint = NonNullable<EndpointSliceObject['endpoints']>[number];

/** Endpoints that serve a service on the same ports: a target port that is a name may be another number in another pod. */
export interface EndpointGroup {
  readonly ports: SlicePorts;
  readonly endpoints: readonly SliceEndpoint[];
}

/** The cluster around a service. */
export interface Surroundings {
  /** The pods of its namespace. */
  readonly pods: Iterable<PodObject>;
  /** The label `topology.kubernetes.io/zone` of a node. */
  readonly zoneOf: (node: string) => string | undefined;
}

/** Who serves a service with a selector, by ports, each group in the order of its addresses. */
export function endpointGroups(service: ServiceObject, { pods, zoneOf }: Surroundings): EndpointGroup[] {
  const groups = new Map<string, { readonly ports: SlicePorts; readonly endpoints: SliceEndpoint[] }>();
  for (const pod of pods) {
    if (!isSelected(pod, service) || !isAlive(pod)) continue;
    const ip = pod.status?.podIP;
    if (ip === undefined) continue;
    const ports = portsOf(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(pod, { ip, service, zoneOf }));
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, endpoints }]) => ({ ports, endpoints: endpoints.sort(byAddress) }));
}

/** A service without a selector is somebody else's to fill with endpoints, and an alias has none. */
export function isSelecting({ spec }: ServiceObject): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

function isSelected({ metadata }: PodObject, { spec }: ServiceObject): boolean {
  return Object.entries(spec.selector ?? {}).every(([key, value]) => metadata.labels?.[key] === value);
}

/** One that has ended will never answer again. */
function isAlive({ status }: PodObject): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

interface EndpointFacts extends Pick<Surroundings, 'zoneOf'> {
  readonly ip: string;
  readonly service: ServiceObject;
}

function endpointOf(pod: PodObject, { ip, service: { spec }, zoneOf }: EndpointFacts): SliceEndpoint {
  const { name, namespace = '', uid = '', deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec;
  const zone = nodeName === undefined ? undefined : zoneOf(nodeName);
  const serving = isPodReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const ready = spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hints = hintsFor(spec.trafficDistribution, { zone, nodeName });
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(hints === undefined || !ready ? {} : { hints }),
  };
}

/** What a service asks of proxies with `trafficDistribution` (KEP-3015): each endpoint is for those near it. */
function hintsFor(
  distribution: string | undefined,
  { zone, nodeName }: { readonly zone: string | undefined; readonly nodeName: string | undefined },
): SliceEndpoint['hints'] {
  if (distribution === undefined || zone === undefined) return undefined;
  const forNodes = distribution === 'PreferSameNode' && nodeName !== undefined ? [{ name: nodeName }] : undefined;
  return { forZones: [{ name: zone }], ...(forNodes === undefined ? {} : { forNodes }) };
}

/** The ports of the service as they are on this pod; a name that the pod does not know is left out. */
function portsOf({ spec }: ServiceObject, pod: PodObject): SlicePorts {
  return (spec.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port, targetPort }) => {
    const number = typeof targetPort === 'string' ? namedPort(pod, { name: targetPort, protocol }) : targetPort || port;
    return number === undefined ? [] : [{ name, protocol, port: number }];
  });
}

function namedPort(
  { spec }: PodObject,
  wanted: { readonly name: string; readonly protocol: string },
): number | undefined {
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return ports.find(({ name, protocol = 'TCP' }) => name === wanted.name && protocol === wanted.protocol)
    ?.containerPort;
}

function byAddress(a: SliceEndpoint, b: SliceEndpoint): number {
  return (a.addresses[0] ?? '') < (b.addresses[0] ?? '') ? -1 : 1;
}
