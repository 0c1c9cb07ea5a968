/** Services as a node of a large cluster has them: each with a cluster IP and two endpoints. */
import { type EndpointSlice, LABEL, parseEndpointSlice, parseService, type Service } from '@tenet/model';
import type { ProxyNode } from '@tenet/proxy';
import { Ip, Prefix } from '@tenet/std';
import { SERVER_IPS, SERVER_PORT } from './bench-node.ts';

export const PROXY_NODE: ProxyNode = {
  name: 'node-a',
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  nodePortAddresses: [],
};

const FIRST_CLUSTER_IP = Ip.parse('172.30.0.1');
const FIRST_POD_IP = Ip.parse('10.128.0.2');

/** Kubernetes' own label of slices that its controller keeps. */
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';

export const SERVICE_PORT = 80;

/** The name sorts like the number. */
export function serviceName(number: number): string {
  return `service-${String(number).padStart(5, '0')}`;
}

export function clusterIpOf(number: number): Ip {
  return FIRST_CLUSTER_IP.plus(number);
}

export function service(number: number): Service {
  return parseService({
    ...{ apiVersion: 'v1', kind: 'Service' },
    metadata: { namespace: 'bench', name: serviceName(number), uid: `uid-${number}` },
    spec: {
      selector: { app: serviceName(number) },
      clusterIP: `${clusterIpOf(number)}`,
      ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT }],
    },
  });
}

export function numberOf(clusterIp: Ip): number {
  return Number(clusterIp.value - FIRST_CLUSTER_IP.value);
}

/** Two pods of its own, of `count` services; each change moves the second. */
export function slice(number: number, count: number, change = 0): EndpointSlice {
  const second = 2 * number + 1 + change * 2 * count;
  return sliceOf(number, [FIRST_POD_IP.plus(2 * number), FIRST_POD_IP.plus(second)]);
}

/** The servers that are really there. */
export function serverSlice(number: number): EndpointSlice {
  return sliceOf(number, SERVER_IPS);
}

function sliceOf(number: number, ips: readonly Ip[]): EndpointSlice {
  return parseEndpointSlice({
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: {
      namespace: 'bench',
      name: `${serviceName(number)}-0`,
      labels: { [LABEL.serviceName]: serviceName(number), [MANAGED_BY]: 'endpointslice-controller.k8s.io' },
    },
    ports: [{ name: 'http', protocol: 'TCP', port: SERVER_PORT }],
    endpoints: ips.map((ip) => ({ addresses: [`${ip}`], conditions: { ready: true }, nodeName: 'node-b' })),
  });
}
