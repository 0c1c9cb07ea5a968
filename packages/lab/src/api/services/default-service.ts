import type { ServicePortSpec, ServiceSpec } from './service-spec.ts';

/** Three hours, as Kubernetes has it. */
const AFFINITY_SECONDS = 10_800;

/** The types whose ports may be open on every node. */
export function hasNodePorts({ type, allocateLoadBalancerNodePorts = true }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts);
}

/** Somebody who is not in the cluster can reach it: only then its externalTrafficPolicy means anything. */
export function isExternallyAccessible({ type, externalIPs = [] }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && externalIPs.length > 0);
}

/** A load balancer asks the nodes which of them have endpoints. */
export function hasHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** The spec with all that follows from what it says, and from what it does not say (core/v1 defaults). */
export function defaultService(asked: ServiceSpec): ServiceSpec {
  const spec: ServiceSpec = {
    ...asked,
    type: asked.type ?? 'ClusterIP',
    sessionAffinity: asked.sessionAffinity ?? 'None',
    ...(asked.ports === undefined ? {} : { ports: asked.ports.map(defaultPort) }),
  };
  const { clientIP } = spec.sessionAffinityConfig ?? {};
  return {
    ...spec,
    ...(spec.sessionAffinity === 'ClientIP'
      ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: AFFINITY_SECONDS, ...clientIP } } }
      : {}),
    ...(spec.type === 'ExternalName'
      ? {}
      : {
          internalTrafficPolicy: spec.internalTrafficPolicy ?? 'Cluster',
          ipFamilies: spec.ipFamilies ?? ['IPv4'],
          ipFamilyPolicy: spec.ipFamilyPolicy ?? 'SingleStack',
        }),
    ...(isExternallyAccessible(spec) ? { externalTrafficPolicy: spec.externalTrafficPolicy ?? 'Cluster' } : {}),
    ...(spec.type === 'LoadBalancer'
      ? { allocateLoadBalancerNodePorts: spec.allocateLoadBalancerNodePorts ?? true }
      : {}),
  };
}

function defaultPort(port: ServicePortSpec): ServicePortSpec {
  const { protocol, targetPort } = port;
  return {
    ...port,
    protocol: protocol || 'TCP',
    targetPort: targetPort === undefined || targetPort === 0 || targetPort === '' ? port.port : targetPort,
  };
}

/**
 * What an update may leave out because it was given once: the cluster IP, node ports, the port of health checks. What
 * the type no longer has goes by itself, unless the update asks for it.
 */
export function keepGiven(asked: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const next = { ...asked, type: asked.type ?? 'ClusterIP' };
  const { clusterIP, clusterIPs, healthCheckNodePort, ports, ...rest } = next;
  const had = isNamed(before.clusterIP) ? before.clusterIP : undefined;
  const ip = clusterIP || (next.type === 'ExternalName' ? undefined : had);
  // Of an update that was once read, the addresses are those that the type has lost.
  const lostIp = next.type === 'ExternalName' && ip === had && before.type !== 'ExternalName';
  const check = healthCheckNodePort || (hasHealthCheck(next) ? before.healthCheckNodePort : undefined);
  const lostCheck = !hasHealthCheck(next) && hasHealthCheck(before) && check === before.healthCheckNodePort;
  return {
    ...rest,
    ...(lostIp || !isNamed(ip) ? {} : { clusterIP: ip, clusterIPs: clusterIPs ?? [ip] }),
    ...(check === undefined || lostCheck ? {} : { healthCheckNodePort: check }),
    ...(ports === undefined ? {} : { ports: ports.map((port) => keepNodePort(port, next, before)) }),
  };
}

function keepNodePort(port: ServicePortSpec, next: ServiceSpec, before: ServiceSpec): ServicePortSpec {
  const { nodePort, ...rest } = port;
  const same = before.ports?.find(
    (old) => old.port === port.port && (old.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
  );
  if (mayHaveNodePorts(next))
    return { ...rest, ...given(nodePort || (hasNodePorts(next) ? same?.nodePort : undefined)) };
  return nodePort === same?.nodePort ? rest : { ...rest, ...given(nodePort) };
}

function given(nodePort: number | undefined): { nodePort?: number } {
  return nodePort === undefined ? {} : { nodePort };
}

export function mayHaveNodePorts({ type }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer';
}

function isNamed(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
