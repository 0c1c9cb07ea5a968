import type { TrafficPolicy } from '@tenet/model';
import type { Ip } from '@tenet/std';
import { type ProxiedPort, type ProxyNode, portLabel } from '../proxied-port.ts';
import { type PortChains, portChains } from './chain-names.ts';

/** A port with what its rules are made of, found once. */
export interface PortDraft {
  readonly port: ProxiedPort;
  readonly node: ProxyNode;
  readonly label: string;
  readonly names: PortChains;
  readonly externalIps: readonly Ip[];
  readonly loadBalancerIps: readonly Ip[];
  /** Not everybody may come through the load balancer. */
  readonly isGuarded: boolean;
  /** Somebody outside of the cluster may know an address of it. */
  readonly isExternal: boolean;
}

/** What becomes of a packet that no chain takes. */
export interface Refusal {
  readonly why: string;
  readonly target: string;
}

export function draftOf(port: ProxiedPort, node: ProxyNode): PortDraft {
  const loadBalancerIps = distinct(port.loadBalancerIps);
  // An address of both kinds is the load balancer's: its guard must not be passed by the other name.
  const externalIps = distinct(port.externalIps).filter((ip) => !loadBalancerIps.some((other) => other.equals(ip)));
  return {
    port,
    node,
    label: portLabel(port),
    names: portChains(port),
    externalIps,
    loadBalancerIps,
    isGuarded: loadBalancerIps.length > 0 && port.sourceRanges.length > 0,
    isExternal: externalIps.length > 0 || loadBalancerIps.length > 0 || port.nodePort !== undefined,
  };
}

/** A load balancer must look elsewhere while another node can serve: it hears nothing. Else the client does at once. */
export function refusalOf(policy: TrafficPolicy, { hasEndpointsSomewhere }: ProxiedPort): Refusal {
  return policy === 'Local' && hasEndpointsSomewhere
    ? { why: 'has no local endpoints', target: 'DROP' }
    : { why: 'has no endpoints', target: 'REJECT --reject-with icmp-port-unreachable' };
}

function distinct(ips: readonly Ip[]): readonly Ip[] {
  return [...new Map(ips.filter(({ family }) => family === 4).map((ip) => [ip.value, ip])).values()];
}
