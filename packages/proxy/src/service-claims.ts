/** What a service asks for that another may ask for too, and what of it each of its ports gets. */
import type { Service, ServicePort } from '@tenet/model';
import type { Ip } from '@tenet/std';
import type { Claim } from './address-claims.ts';
import type { ProxiedPort } from './proxied-port.ts';
import type { IgnoredAddress, ServiceAddresses } from './service-addresses.ts';

/** Says who has what was claimed: the key of a service or of a port. */
export type HolderOf = (what: string) => string | undefined;

/** What a port got, and what others have. */
export interface Outcome {
  readonly won: Pick<ProxiedPort, 'nodePort' | 'externalIps' | 'loadBalancerIps'>;
  readonly lost: readonly IgnoredAddress[];
}

/** The key of a service's port. */
export function portKeyOf(service: Service, portName: string): string {
  return `${serviceKeyOf(service)}:${portName}`;
}

/** The cluster IP is claimed as a whole, since it has one project; the rest by protocol and port. */
export function claimsOf(service: Service, addresses: ServiceAddresses): readonly Claim[] {
  const { clusterIp, externalIps, loadBalancerIps } = addresses;
  if (clusterIp === undefined) return [];
  const ofPorts = service.ports.flatMap((port) => {
    const by = portKeyOf(service, port.name);
    const claim = (ip: Ip): Claim => ({ what: socketOf(port, ip), by });
    const ofNode = port.nodePort === undefined ? [] : [{ what: nodePortOf(port, port.nodePort), by }];
    return [...externalIps.map(claim), ...loadBalancerIps.map(claim), ...ofNode];
  });
  return [{ what: `${clusterIp}`, by: serviceKeyOf(service) }, ...ofPorts];
}

/** Says that another service has this one's cluster IP; undefined when it is this one's. */
export function lostClusterIp(service: Service, clusterIp: Ip, holderOf: HolderOf): IgnoredAddress | undefined {
  const holder = holderOf(`${clusterIp}`);
  return holder === serviceKeyOf(service) ? undefined : lostTo(holder, service, ['clusterIP', `${clusterIp}`]);
}

/** What a port gets of all that `claimsOf` asked for in its name. */
export function outcomeOf(
  service: Service,
  port: ServicePort,
  { addresses, holderOf }: { readonly addresses: ServiceAddresses; readonly holderOf: HolderOf },
): Outcome {
  const key = portKeyOf(service, port.name);
  const lost: IgnoredAddress[] = [];
  const isWon = (what: string, ...named: Named): boolean => {
    const holder = holderOf(what);
    if (holder !== key) lost.push(lostTo(holder, service, named));
    return holder === key;
  };
  const { nodePort } = port;
  const hasNodePort = nodePort !== undefined && isWon(nodePortOf(port, nodePort), 'nodePort', `:${nodePort}`);
  const wonOf = (field: Named[0], ips: readonly Ip[]) =>
    ips.filter((ip) => isWon(socketOf(port, ip), field, `${ip}:${port.port}`));
  const externalIps = wonOf('externalIPs', addresses.externalIps);
  const loadBalancerIps = wonOf('loadBalancer', addresses.loadBalancerIps);
  return { won: { externalIps, loadBalancerIps, ...(hasNodePort ? { nodePort } : {}) }, lost };
}

/** Where an address is named, and how. */
type Named = readonly [field: IgnoredAddress['field'], address: string];

function lostTo(holder: string | undefined, { namespace, name }: Service, [field, address]: Named): IgnoredAddress {
  const problem = `is served for ${holder}, which is older or comes first by name`;
  return { namespace, service: name, field, address, problem };
}

function serviceKeyOf({ namespace, name }: Service): string {
  return `${namespace}/${name}`;
}

function socketOf({ protocol, port }: ServicePort, ip: Ip): string {
  return `${protocol} ${ip}:${port}`;
}

/** It has no address, since it is at all of the node's. */
function nodePortOf({ protocol }: ServicePort, nodePort: number): string {
  return `${protocol} :${nodePort}`;
}
