/** Ports of services, one for each thing that a service can ask for. */
import type { ProxiedEndpoint, ProxiedPort, ProxyNode } from '@tenet/proxy';
import { Ip, Prefix } from '@tenet/std';

export const ZOO_NODE: ProxyNode = {
  name: 'dt-infra1',
  nodeIp: Ip.parse('10.122.70.72'),
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  nodePortAddresses: [],
};

/** An endpoint as `10.131.2.45:9200`. */
export function endpointAt(text: string): ProxiedEndpoint {
  const [ip = '', port] = text.split(':');
  return { ip: Ip.parse(ip), port: Number(port) };
}

/** The article's service, but for what is said. */
export function zooPort(differs: Partial<ProxiedPort> = {}): ProxiedPort {
  return {
    namespace: 'logging',
    service: 'logging-es',
    portName: '',
    protocol: 'tcp',
    clusterIp: Ip.parse('172.30.229.30'),
    port: 9200,
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    clusterEndpoints: [endpointAt('10.131.2.45:9200')],
    localEndpoints: [],
    hasEndpointsSomewhere: true,
    ...differs,
  };
}

const TWO = [endpointAt('10.128.0.7:8080'), endpointAt('10.131.2.46:8080')];
const HERE = [endpointAt('10.131.2.46:8080')];
const NOWHERE = { clusterEndpoints: [], localEndpoints: [], hasEndpointsSomewhere: false } as const;

/** All ways in from outside of the cluster. */
const OUTSIDE = {
  nodePort: 30_080,
  externalIps: [Ip.parse('192.0.2.9')],
  loadBalancerIps: [Ip.parse('192.0.2.10')],
} as const;

const ZOO: Readonly<Record<string, Partial<ProxiedPort>>> = {
  'cluster-ip': {},
  'named-port': { portName: 'http', clusterEndpoints: TWO, localEndpoints: HERE },
  udp: { protocol: 'udp', port: 53, clusterEndpoints: [endpointAt('10.128.0.9:5353')] },
  sctp: { protocol: 'sctp', port: 3868, nodePort: 30_868, clusterEndpoints: [endpointAt('10.128.0.9:3868')] },
  'three-endpoints': { clusterEndpoints: [...TWO, endpointAt('192.0.2.77:8080')] },
  affinity: { affinitySeconds: 10_800, clusterEndpoints: TWO, localEndpoints: HERE },
  'no-endpoints': { ...OUTSIDE, ...NOWHERE },
  'outside-cluster': { ...OUTSIDE, clusterEndpoints: TWO, localEndpoints: HERE },
  'outside-local': { ...OUTSIDE, externalTrafficPolicy: 'Local', clusterEndpoints: TWO, localEndpoints: HERE },
  'outside-local-elsewhere': {
    ...OUTSIDE,
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_000,
    clusterEndpoints: [endpointAt('10.128.0.7:8080')],
  },
  'outside-local-affinity': {
    ...OUTSIDE,
    affinitySeconds: 60,
    externalTrafficPolicy: 'Local',
    clusterEndpoints: TWO,
    localEndpoints: HERE,
  },
  'inside-local': { internalTrafficPolicy: 'Local', clusterEndpoints: TWO, localEndpoints: HERE },
  'inside-local-elsewhere': { internalTrafficPolicy: 'Local', nodePort: 30_081, clusterEndpoints: TWO },
  'all-local': {
    ...OUTSIDE,
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    clusterEndpoints: TWO,
    localEndpoints: HERE,
  },
  // Those that are ready are elsewhere; the one here is going, and still serves.
  'local-terminating': {
    ...OUTSIDE,
    externalTrafficPolicy: 'Local',
    clusterEndpoints: [endpointAt('10.128.0.7:8080')],
    localEndpoints: HERE,
  },
  'source-ranges': {
    ...OUTSIDE,
    sourceRanges: [Prefix.parse('198.51.100.0/24'), Prefix.parse('10.122.70.0/24')],
    clusterEndpoints: TWO,
  },
  'source-range-of-all': { ...OUTSIDE, sourceRanges: [Prefix.parse('0.0.0.0/0')] },
  'source-ranges-ipv6-only': { ...OUTSIDE, sourceRanges: [Prefix.parse('2001:db8::/32')] },
  'address-of-both-kinds': {
    externalIps: [Ip.parse('192.0.2.10'), Ip.parse('2001:db8::1')],
    loadBalancerIps: [Ip.parse('192.0.2.10'), Ip.parse('192.0.2.10')],
    sourceRanges: [Prefix.parse('198.51.100.0/24')],
  },
  portal: { ...OUTSIDE, ...NOWHERE, portal: endpointAt('10.131.2.1:41000') },
  'portal-udp-ranges': {
    ...OUTSIDE,
    ...NOWHERE,
    protocol: 'udp',
    sourceRanges: [Prefix.parse('198.51.100.0/24')],
    portal: endpointAt('10.131.2.1:41001'),
  },
};

/** By `ns/name:port` as a service table gives them: each of a namespace `zoo`, with addresses and node ports of its own. */
export function zooPorts(): Map<string, ProxiedPort> {
  return new Map(
    Object.entries(ZOO).map(([service, differs], at): [string, ProxiedPort] => {
      const port = zooPort({ ...differs, namespace: 'zoo', service });
      const apart = (ip: Ip): Ip => ip.plus(at * 16);
      return [
        `zoo/${service}:${port.portName}`,
        {
          ...port,
          clusterIp: apart(port.clusterIp),
          externalIps: port.externalIps.map(apart),
          loadBalancerIps: port.loadBalancerIps.map(apart),
          ...(port.nodePort !== undefined && { nodePort: port.nodePort + at * 2 }),
          ...(port.portal !== undefined && { portal: { ...port.portal, port: port.portal.port + at } }),
        },
      ];
    }),
  );
}

/** The zoo's port of a name, as the article's service would have it. */
export function zooCase(name: string): ProxiedPort {
  const differs = ZOO[name];
  if (differs === undefined) throw new RangeError(`no ${name} in the zoo`);
  return zooPort(differs);
}

/** Services in numbers, with so many endpoints each. */
export function manyPorts(count: number, { endpoints }: { readonly endpoints: number }): Map<string, ProxiedPort> {
  const first = Ip.parse('10.128.0.2');
  return new Map(
    Array.from({ length: count }, (_, at): [string, ProxiedPort] => [
      `many/s${at}:`,
      zooPort({
        namespace: 'many',
        service: `s${at}`,
        clusterIp: Ip.parse('172.30.0.1').plus(at),
        clusterEndpoints: Array.from({ length: endpoints }, (_, each) => ({
          ip: first.plus(endpoints * at + each),
          port: 8080,
        })),
      }),
    ]),
  );
}
