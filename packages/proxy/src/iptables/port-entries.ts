/**
 * The rules of dispatch chains that lead to a service's port, or refuse what is meant for it. Each names the service in
 * its comment, so that no two are alike.
 */
import type { Portal } from '../proxied-port.ts';
import type { ChainRule } from './edits.ts';
import { nodePortDestinations } from './own-chains.ts';
import type { PortDraft, Refusal } from './port-draft.ts';
import { comment, isAddress, toPort } from './rule-words.ts';

export function clusterIpEntry(draft: PortDraft, target: string): ChainRule {
  return { table: 'nat', chain: 'KUBE-SERVICES', rule: toClusterIp(draft, 'cluster IP', target) };
}

/** The load balancer's addresses lead to the guard when there is one. Node ports never do: they are not its own. */
export function externalEntries(draft: PortDraft, target: string): readonly ChainRule[] {
  const { port, names, label, externalIps, loadBalancerIps, isGuarded } = draft;
  const { nodePort, protocol } = port;
  const nat = (rule: string): ChainRule => ({ table: 'nat', chain: 'KUBE-SERVICES', rule });
  const entries = [
    ...externalIps.map((ip) => nat(toAddress(draft, isAddress('-d', ip), `${label} external IP`, target))),
    ...loadBalancerIps.map((ip) =>
      nat(toAddress(draft, isAddress('-d', ip), `${label} loadbalancer IP`, isGuarded ? names.fw : target)),
    ),
  ];
  if (nodePort !== undefined) {
    const rule = `-p ${protocol} ${comment(label)} ${toPort(protocol, nodePort)} -j ${target}`;
    entries.push({ table: 'nat', chain: 'KUBE-NODEPORTS', rule });
  }
  if (isGuarded) {
    const note = `${label} traffic not accepted by ${names.fw}`;
    for (const ip of loadBalancerIps) {
      const rule = toAddress(draft, isAddress('-d', ip), note, 'DROP');
      entries.push({ table: 'filter', chain: 'KUBE-PROXY-FIREWALL', rule });
    }
  }
  return entries;
}

export function refusedInside(draft: PortDraft, { why, target }: Refusal): ChainRule {
  return { table: 'filter', chain: 'KUBE-SERVICES', rule: toClusterIp(draft, why, target) };
}

/** Only what was not translated has still an external address. */
export function refusedOutside(draft: PortDraft, { why, target }: Refusal): readonly ChainRule[] {
  const { port, node, label, externalIps, loadBalancerIps } = draft;
  const { nodePort, protocol } = port;
  const note = `${label} ${why}`;
  const rules = [...externalIps, ...loadBalancerIps].map((ip) => toAddress(draft, isAddress('-d', ip), note, target));
  if (nodePort !== undefined) {
    for (const to of nodePortDestinations(node)) {
      const where = `-m addrtype --dst-type LOCAL ${toPort(protocol, nodePort)}`;
      rules.push(`${to}-p ${protocol} ${comment(note)} ${where} -j ${target}`);
    }
  }
  return rules.map((rule) => ({ table: 'filter', chain: 'KUBE-EXTERNAL-SERVICES', rule }));
}

/** What calls a portal by its own address did not pass the tenant check of the service. */
export function portalEntry({ port, label }: PortDraft, { ip, port: number }: Portal): ChainRule {
  const { protocol } = port;
  const note = comment(`${label} portal, only through the service`);
  const match = `${toPort(protocol, number)} -m conntrack ! --ctstate DNAT`;
  return {
    table: 'filter',
    chain: 'KUBE-PORTALS',
    rule: `${isAddress('-d', ip)}-p ${protocol} ${note} ${match} -j DROP`,
  };
}

/** Load balancers ask on TCP, wherever a firewall of others stands behind. */
export function healthCheckEntries({ port, label }: PortDraft): readonly ChainRule[] {
  const { healthCheckNodePort } = port;
  if (healthCheckNodePort === undefined) return [];
  const rule = `-p tcp ${comment(`${label} health check node port`)} ${toPort('tcp', healthCheckNodePort)} -j ACCEPT`;
  return [{ table: 'filter', chain: 'KUBE-NODEPORTS', rule }];
}

function toClusterIp(draft: PortDraft, what: string, target: string): string {
  return toAddress(draft, isAddress('-d', draft.port.clusterIp), `${draft.label} ${what}`, target);
}

function toAddress({ port }: PortDraft, to: string, note: string, target: string): string {
  return `${to}-p ${port.protocol} ${comment(note)} ${toPort(port.protocol, port.port)} -j ${target}`;
}
