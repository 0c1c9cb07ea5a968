import { Ip, Prefix } from '@tenet/std';
import { ANNOTATION } from './annotations.ts';
import { failModel } from './errors.ts';
import { LABEL } from './labels.ts';
import type { ServiceObject } from './objects.ts';
import { readable } from './readable.ts';
import { isPort, protocolOf, type ServiceProtocol } from './transport.ts';

/** Cluster: all endpoints may be chosen. Local: those of the node that chooses. */
export type TrafficPolicy = 'Cluster' | 'Local';

export interface ServicePort {
  /** Empty when it has none. */
  readonly name: string;
  readonly protocol: ServiceProtocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** A Service as far as it concerns a node. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** When it was made, as the API server writes it (RFC 3339, UTC, so that text order is age); empty when not known. */
  readonly createdAt: string;
  /** Which other proxy forwards it, verbatim: whatever it is, this one does not. */
  readonly proxyName?: string;
  /** None for a headless service and for one of type ExternalName: there is nothing to forward. */
  readonly clusterIps: readonly Ip[];
  /** Its endpoints are the pods that this selects; without, those that somebody writes. */
  readonly hasSelector: boolean;
  readonly ports: readonly ServicePort[];
  readonly externalIps: readonly Ip[];
  /** Addresses of its load balancer at which packets arrive with that address as destination (`ipMode` VIP). */
  readonly loadBalancerIps: readonly Ip[];
  /** Who may come through the load balancer; everybody when empty. */
  readonly sourceRanges: readonly Prefix[];
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly internalTrafficPolicy: TrafficPolicy;
  /** Where a load balancer asks whether this node has endpoints; only with policy Local. */
  readonly healthCheckNodePort?: number;
  /** How long a client stays with its endpoint; absent without session affinity. */
  readonly affinitySeconds?: number;
  /** When somebody put it to sleep, verbatim: with no endpoints it is to be woken by its first client. */
  readonly idledAt?: string;
}

/** The source range that lets nobody in: no packet has the unspecified address as its source (RFC 1122 §3.2.1.3). */
export const NOBODY = Prefix.parse('0.0.0.0/32');

/** How long ClientIP affinity lasts when the service does not say: three hours. */
export const DEFAULT_AFFINITY_SECONDS = 10_800;

/**
 * Reads and validates a Service; OBJECT_INVALID names the field, and is for what an API server would not have stored.
 * An external or load-balancer address that is none, or a source range that is none, is left out and the rest goes
 * on; source ranges of which none is left let nobody in.
 */
export function parseService(object: ServiceObject): Service {
  const { name, namespace = '', uid = '', creationTimestamp: createdAt = '' } = object.metadata;
  const { annotations = {}, labels = {} } = object.metadata;
  const invalid = (field: string, problem: string): never =>
    failModel('OBJECT_INVALID', { kind: 'Service', name: `${namespace}/${name}`, field, problem });
  const { spec } = object;
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const externalTrafficPolicy = policyOf(spec.externalTrafficPolicy);
  const healthCheckNodePort =
    isLoadBalancer && externalTrafficPolicy === 'Local'
      ? optionalPort(spec.healthCheckNodePort, (problem) => invalid('spec.healthCheckNodePort', problem))
      : undefined;
  const affinitySeconds = affinityOf(spec, invalid);
  const idledAt = annotations[ANNOTATION.idledAt];
  const proxyName = labels[LABEL.serviceProxyName];
  return {
    namespace,
    name,
    uid,
    createdAt,
    clusterIps: clusterIpsOf(spec, invalid),
    hasSelector: Object.keys(spec.selector ?? {}).length > 0,
    ports: portsOf(spec, invalid),
    externalIps: readable(spec.externalIPs ?? [], Ip.parse),
    loadBalancerIps: isLoadBalancer ? readable(balancerTexts(object), Ip.parse) : [],
    sourceRanges: isLoadBalancer ? sourceRangesOf(spec, annotations[ANNOTATION.sourceRanges]) : [],
    externalTrafficPolicy,
    internalTrafficPolicy: policyOf(spec.internalTrafficPolicy),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
    ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
    ...(idledAt === undefined ? {} : { idledAt }),
    ...(proxyName === undefined ? {} : { proxyName }),
  };
}

/** Says which field is wrong, and how; does not return. */
type Invalid = (field: string, problem: string) => never;
type Spec = ServiceObject['spec'];

function clusterIpsOf(spec: Spec, invalid: Invalid): readonly Ip[] {
  if (spec.type === 'ExternalName') return [];
  const isPlural = (spec.clusterIPs ?? []).length > 0;
  const texts = isPlural ? (spec.clusterIPs ?? []) : [spec.clusterIP ?? ''];
  return texts.flatMap((text, at) => {
    if (text === '' || text === 'None') return [];
    return readable([text], Ip.parse, (problem) =>
      invalid(isPlural ? `spec.clusterIPs[${at}]` : 'spec.clusterIP', problem),
    );
  });
}

function portsOf(spec: Spec, invalid: Invalid): readonly ServicePort[] {
  const names = new Set<string>();
  const numbers = new Set<string>();
  return (spec.ports ?? []).map((entry, at) => {
    const field = `spec.ports[${at}]`;
    const { name = '', port } = entry;
    const protocol =
      protocolOf(entry.protocol) ?? invalid(`${field}.protocol`, `${JSON.stringify(entry.protocol)} is not supported`);
    if (!isPort(port)) invalid(`${field}.port`, `${JSON.stringify(port)} is not a port`);
    // Chains and endpoints are found by the name: two of one name would take each other's.
    if (names.has(name)) invalid(`${field}.name`, `${JSON.stringify(name)} is another port's name`);
    if (numbers.has(`${protocol} ${port}`)) invalid(`${field}.port`, `${port} is another port's number`);
    names.add(name);
    numbers.add(`${protocol} ${port}`);
    const nodePort = optionalPort(entry.nodePort, (problem) => invalid(`${field}.nodePort`, problem));
    return { name, protocol, port, ...(nodePort === undefined ? {} : { nodePort }) };
  });
}

/** With `ipMode` Proxy packets come with the node's own address: there is nothing to forward at the balancer's. */
function balancerTexts({ status }: ServiceObject): readonly string[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip = '', ipMode }) => (ip === '' || ipMode === 'Proxy' ? [] : [ip]));
}

/** Host bits and the spaces around an entry are allowed, as Kubernetes allows them. */
function sourceRangesOf(spec: Spec, annotation = ''): readonly Prefix[] {
  const listed = spec.loadBalancerSourceRanges ?? [];
  const texts = listed.length > 0 ? listed : annotation.trim() === '' ? [] : annotation.split(',');
  const ranges = readable(
    texts.map((text) => text.trim()),
    Prefix.parseLoose,
  );
  return texts.length > 0 && ranges.length === 0 ? [NOBODY] : ranges;
}

function affinityOf({ sessionAffinity, sessionAffinityConfig }: Spec, invalid: Invalid): number | undefined {
  if (sessionAffinity !== 'ClientIP') return undefined;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  // core/v1 ClientIPConfig: more than 0 and at most a day.
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400)
    invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', `${seconds} is not between 1 and 86400`);
  return seconds;
}

function policyOf(text: string | undefined): TrafficPolicy {
  return text === 'Local' ? 'Local' : 'Cluster';
}

/** A port that may be absent; 0 is how the API writes that. */
function optionalPort(port: number | null | undefined, invalid: (problem: string) => never): number | undefined {
  if (port === undefined || port === null || port === 0) return undefined;
  return isPort(port) ? port : invalid(`${JSON.stringify(port)} is not a port`);
}
