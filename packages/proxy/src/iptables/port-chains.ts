/** The chains of a service's port, a function each: their rules, without the chain's name. All are of the nat table. */
import type { Portal, ProxiedEndpoint } from '../proxied-port.ts';
import type { PortDraft } from './port-draft.ts';
import { comment, inPrefix, isAddress, oneOf, PODS_LINK, recentList, toPort } from './rule-words.ts';

/** An endpoint and its chain. */
export interface Target extends ProxiedEndpoint {
  readonly chain: string;
}

/** KUBE-SEP: an endpoint that connects to itself must see another address than its own. */
export function endpointRules({ port, label }: PortDraft, { ip, port: number, chain }: Target): readonly string[] {
  const { protocol, affinitySeconds } = port;
  const remember = affinitySeconds === undefined ? '' : `-m recent --set ${recentList(chain)} `;
  return [
    `${isAddress('-s', ip)}${comment(label)} -j KUBE-MARK-MASQ`,
    `-p ${protocol} ${comment(label)} ${remember}-m ${protocol} -j DNAT --to-destination ${ip}:${number}`,
  ];
}

/** In KUBE-SVC or KUBE-SVL: what no pod sends gets this node's address, so that answers come back this way. */
export function masqueradeRule({ port, label }: PortDraft): string {
  const { clusterIp, protocol, port: number } = port;
  const note = comment(`${label} cluster IP`);
  const match = `-p ${protocol} ${note} ${toPort(protocol, number)}`;
  return `${isAddress('-d', clusterIp)}! -i ${PODS_LINK} ${match} -j KUBE-MARK-MASQ`;
}

/** KUBE-SVC and KUBE-SVL: first the endpoint that this client has had lately, else each with the same chance. */
export function choiceRules({ port, label }: PortDraft, endpoints: readonly Target[]): readonly string[] {
  const targets = endpoints.map(({ ip, port: number, chain }) => ({
    chain,
    note: comment(`${label} -> ${ip}:${number}`),
  }));
  const { affinitySeconds } = port;
  const lately = affinitySeconds === undefined ? [] : targets;
  return [
    ...lately.map(
      ({ chain, note }) =>
        `${note} -m recent --rcheck --seconds ${affinitySeconds} --reap ${recentList(chain)} -j ${chain}`,
    ),
    ...targets.map(({ chain, note }, at) => {
      const left = targets.length - at;
      return left === 1 ? `${note} -j ${chain}` : `${note} ${oneOf(left)} -j ${chain}`;
    }),
  ];
}

/** KUBE-EXT with policy Cluster: an answer that did not pass this node would not be known to the client. */
export function masqueradedRules({ label, names }: PortDraft): readonly string[] {
  return [`${comment(`masquerade traffic for ${label} external destinations`)} -j KUBE-MARK-MASQ`, `-j ${names.svc}`];
}

/**
 * KUBE-EXT with policy Local: pods and the node itself reach all endpoints, all others those of this node. Sources are
 * kept, but the node's: it may be the load balancer's own address, which no endpoint can answer.
 */
export function sourceKeptRules(
  { label, names }: PortDraft,
  { hasAny, hasLocal }: { readonly hasAny: boolean; readonly hasLocal: boolean },
): readonly string[] {
  const whose = `traffic for ${label} external destinations`;
  const local = '-m addrtype --src-type LOCAL';
  const near = [
    `-i ${PODS_LINK} ${comment(`pod ${whose}`)} -j ${names.svc}`,
    `${comment(`masquerade LOCAL ${whose}`)} ${local} -j KUBE-MARK-MASQ`,
    `${comment(`route LOCAL ${whose}`)} ${local} -j ${names.svc}`,
  ];
  return [...(hasAny ? near : []), ...(hasLocal ? [`-j ${names.svl}`] : [])];
}

/**
 * KUBE-FW: who may pass goes on; what comes to its end is not translated, by which KUBE-PROXY-FIREWALL knows it. (The
 * nat table sees the first packet of a connection only, and iptables refuses to drop there.)
 */
export function guardRules({ port, node, label, loadBalancerIps }: PortDraft, next: string): readonly string[] {
  const note = comment(`${label} loadbalancer IP`);
  const ranges = port.sourceRanges.filter(({ family }) => family === 4);
  const { nodeIp } = node;
  const isNodeListed = nodeIp !== undefined && ranges.some((range) => range.contains(nodeIp));
  return [
    ...ranges.map((range) => `${inPrefix('-s', range)}${note} -j ${next}`),
    // Where the load balancer's address is also one of this node's own, what the node sends there bears it.
    ...(isNodeListed ? loadBalancerIps : []).map(
      (ip) => `${isAddress('-s', ip)}${note} -m addrtype --src-type LOCAL -j ${next}`,
    ),
    comment(`other traffic to ${label} will be dropped by KUBE-PROXY-FIREWALL`),
  ];
}

/** KUBE-SVC of a sleeping service: to where its clients are held, without masquerade, so that they are known. */
export function portalRules({ port, label }: PortDraft, { ip, port: number }: Portal): readonly string[] {
  const { protocol } = port;
  return [`-p ${protocol} ${comment(`${label} portal`)} -m ${protocol} -j DNAT --to-destination ${ip}:${number}`];
}
