/** Who asks which service where: every combination, with what must become of it. */
import {
  type AskedService,
  type Endpoint,
  expectRouted,
  expectService,
  type PodEndpoint,
  type ServiceAddress,
  type ServiceOutcome,
} from '@tenet/lab';
import { Ip } from '@tenet/std';
import { type MadeService, makeService } from './make-service.ts';
import type { PrivateLab } from './private-lab.ts';

const ASKED_BY = ['TCP', 'UDP'] as const;

/** Of every place of a lab, by name. */
export type Cast = ReadonlyMap<string, Endpoint>;

/** A service of the table: published in every way there is. */
export interface TruthService extends AskedService {
  readonly made: MadeService;
  readonly externalIp: Ip;
  readonly loadBalancerIp: Ip;
}

/** One request. */
export interface Cell {
  readonly from: Endpoint;
  readonly service: TruthService;
  /** As people call it. */
  readonly where: string;
  readonly protocol: (typeof ASKED_BY)[number];
  readonly to: Ip;
  readonly port: number;
  readonly expected: readonly ServiceOutcome[];
}

export interface TruthServiceWish {
  readonly name: string;
  readonly pods: readonly string[];
  readonly policy: AskedService['externalTrafficPolicy'];
}

/** The network leads the first to dt-infra1 and the second to dt-node2. */
const FIRST_EXTERNAL_IP = Ip.parse('10.122.70.102');
const FIRST_LOAD_BALANCER_IP = Ip.parse('10.122.70.114');
const ENTRY = { externalIp: 'dt-infra1', loadBalancerIp: 'dt-node2' } as const;

/** Makes a service with hand-made endpoints; `number` keeps its addresses apart from those of others. */
export async function makeTruthService(
  lab: PrivateLab,
  cast: Cast,
  { name, pods, policy, number }: TruthServiceWish & { readonly number: number },
): Promise<TruthService> {
  const [namespace = ''] = name.split('/');
  const [externalIp, loadBalancerIp] = [FIRST_EXTERNAL_IP.plus(number), FIRST_LOAD_BALANCER_IP.plus(number)];
  const endpoints = pods.map((pod) => podOf(cast, pod));
  const made = await makeService(lab, {
    name,
    spec: { type: 'LoadBalancer', externalTrafficPolicy: policy, externalIPs: [`${externalIp}`], ports: ANSWERED },
    loadBalancerIp: `${loadBalancerIp}`,
    endpoints: endpoints.map(({ ip, node }) => ({ ip, node: node.name })),
  });
  const project = await lab.kube.get('NetNamespace', { name: namespace });
  if (project === undefined) throw new RangeError(`there is no project ${namespace}`);
  return { made, externalIp, loadBalancerIp, endpoints, externalTrafficPolicy: policy, vnid: project.netid };
}

/** The ports by protocol: another number than the pods' own, so that only translation leads there. */
const PORTS = { TCP: { name: 'http', port: 80 }, UDP: { name: 'echo', port: 81 } } as const;
const ANSWERED = [
  { ...PORTS.TCP, targetPort: 8080 },
  { ...PORTS.UDP, protocol: 'UDP', targetPort: 8081 },
];

function podOf(cast: Cast, name: string): PodEndpoint {
  const pod = cast.get(name);
  if (pod?.kind !== 'pod') throw new RangeError(`there is no pod ${name}`);
  return pod;
}

/** Where outside's router leads requests to cluster IPs, as somebody might set it up: no router does by itself. */
export const ROUTED_TO = 'dt-infra1';

/** Each of `clients` asks each service at each of its addresses, by TCP and by UDP. */
export function cellsOf(cast: Cast, clients: readonly string[], services: readonly TruthService[]): Cell[] {
  const nodes = [...cast.values()].filter((each) => each.kind === 'node');
  const nodeOf = (name: string) => {
    const node = nodes.find((each) => each.name === name);
    if (node === undefined) throw new RangeError(`there is no node ${name}`);
    return node;
  };
  const addressesOf = ({ made, externalIp, loadBalancerIp }: TruthService): readonly Asked[] => [
    { where: 'cluster IP', address: { kind: 'cluster IP' }, to: made.clusterIp },
    ...nodes.map((node) => ({
      where: `node port of ${node.name}`,
      address: { kind: 'node port', node } as const,
      to: node.ip,
    })),
    { where: 'external IP', address: { kind: 'published', entry: nodeOf(ENTRY.externalIp) }, to: externalIp },
    {
      where: 'load balancer',
      address: { kind: 'published', entry: nodeOf(ENTRY.loadBalancerIp) },
      to: loadBalancerIp,
    },
  ];
  const portOf = ({ made }: TruthService, { kind }: ServiceAddress, protocol: Cell['protocol']) =>
    kind === 'node port' ? made.nodePort(PORTS[protocol].name) : PORTS[protocol].port;
  return clients.flatMap((client) => {
    const from = cast.get(client);
    if (from === undefined) throw new RangeError(`there is no ${client}`);
    return services.flatMap((service) =>
      addressesOf(service).flatMap(({ where, address, to }) =>
        ASKED_BY.map((protocol): Cell => {
          const isRouted = from.kind === 'outside' && address.kind === 'cluster IP';
          const expected = isRouted ? expectRouted(nodeOf(ROUTED_TO)) : expectService(from, address, service);
          return { from, service, where, protocol, to, port: portOf(service, address, protocol), expected };
        }),
      ),
    );
  });
}

interface Asked {
  readonly where: string;
  readonly address: ServiceAddress;
  readonly to: Ip;
}
