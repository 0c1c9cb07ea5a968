/** Services as a node of a large cluster has them: each with a cluster IP and two endpoints. */
import type { EndpointSlice, Service } from '@tenet/model';
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

export const SERVICE_PORT = 80;

/** The name sorts like the number. */
export function serviceName(number: number): string {
  return `service-${String(number).padStart(5, '0')}`;
}

export function clusterIpOf(number: number): Ip {
  return FIRST_CLUSTER_IP.plus(number);
}

export function service(number: number): Service {
  return {
    ...{ namespace: 'bench', name: serviceName(number), uid: `uid-${number}`, createdAt: '2026-11-23T00:00:00Z' },
    clusterIps: [clusterIpOf(number)],
    ports: [{ name: 'http', protocol: 'tcp', port: SERVICE_PORT }],
    ...{ externalIps: [], loadBalancerIps: [], sourceRanges: [] },
    ...{ externalTrafficPolicy: 'Cluster', internalTrafficPolicy: 'Cluster' },
  };
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
  return {
    ...{ namespace: 'bench', name: `${serviceName(number)}-0`, service: serviceName(number) },
    ports: [{ name: 'http', protocol: 'tcp', port: SERVER_PORT }],
    endpoints: ips.map((ip) => ({ ip, ready: true, serving: true, terminating: false, nodeName: 'node-b' })),
  };
}
