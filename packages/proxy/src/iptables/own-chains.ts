/** The chains that hold no service of their own: constant ones, and those that lead to the services. */
import { Ip, Prefix } from '@tenet/std';
import type { ProxyNode } from '../proxied-port.ts';
import { comment, inPrefix } from './rule-words.ts';

export const TABLES = ['nat', 'filter'] as const;
export type TableName = (typeof TABLES)[number];

/** The chains of a table that are ours, but those of services. */
export interface OwnChains {
  /** Constant chains, each with its rules in order. */
  readonly constant: ReadonlyMap<string, readonly string[]>;
  /**
   * Chains whose rules belong to services and exclude each other, so that their order means nothing, each with the
   * rules that must stand behind all of them.
   */
  readonly dispatch: ReadonlyMap<string, readonly string[]>;
}

/**
 * Beginnings of the names of services' chains. KUBE-XLB- is what kube-proxy before 1.24 had in place of KUBE-EXT- and
 * KUBE-SVL-.
 */
const SERVICE_CHAIN = /^KUBE-(?:FW|EXT|XLB|SVC|SVL|SEP)-/;

const MARK = '0x4000';

/** Nothing may be translated from or to it: without `route_localnet` it would never come back. */
const LOOPBACK = Prefix.parse('127.0.0.0/8');

export type Layout = Readonly<Record<TableName, OwnChains>>;

/** `KUBE-MARK-DROP`, `KUBE-FIREWALL` and the canaries are not here: they are a kubelet's. */
export function ownChains(node: ProxyNode): Layout {
  return {
    nat: {
      constant: new Map([
        ['KUBE-MARK-MASQ', [`-j MARK --set-xmark ${MARK}/${MARK}`]],
        [
          'KUBE-POSTROUTING',
          [
            `-m mark ! --mark ${MARK}/${MARK} -j RETURN`,
            // The mark goes, or a tunnel's packet that inherits it would be masqueraded too.
            `-j MARK --set-xmark ${MARK}/0x0`,
            `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`,
          ],
        ],
      ]),
      dispatch: new Map([
        ['KUBE-NODEPORTS', []],
        [
          'KUBE-SERVICES',
          nodePortDestinations(node).map((to) => {
            const note = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain';
            return `${to}${comment(note)} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`;
          }),
        ],
      ]),
    },
    filter: {
      constant: new Map([
        [
          'KUBE-FORWARD',
          [
            // What conntrack disowns was not translated back: it would reset the connection it comes from.
            '-m conntrack --ctstate INVALID -j DROP',
            `${comment('kubernetes forwarding rules')} -m mark --mark ${MARK}/${MARK} -j ACCEPT`,
            `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
          ],
        ],
      ]),
      dispatch: new Map(
        ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL', 'KUBE-PORTALS'].map(
          (chain): [string, readonly string[]] => [chain, []],
        ),
      ),
    },
  };
}

/** Whether a chain is that of a service, whoever made it. */
export function isServiceChain(table: TableName, chain: string): boolean {
  return table === 'nat' && SERVICE_CHAIN.test(chain);
}

/** The beginnings of rules that match where node ports are open: of this node's addresses all, or those of a prefix. */
export function nodePortDestinations({ nodePortAddresses }: ProxyNode): readonly string[] {
  const ipv4 = nodePortAddresses.filter(({ family }) => family === 4);
  if (nodePortAddresses.length === 0 || ipv4.some(({ length }) => length === 0)) return [`! -d ${LOOPBACK} `];
  return [...new Set(ipv4.flatMap(withoutLoopback).map((prefix) => inPrefix('-d', prefix)))];
}

/** The prefix, or those that hold the rest of it: at each length the one beside the loopback's. */
function withoutLoopback(prefix: Prefix): readonly Prefix[] {
  if (LOOPBACK.contains(prefix.address)) return [];
  if (!prefix.contains(LOOPBACK.address)) return [prefix];
  const rest: Prefix[] = [];
  for (let length = prefix.length + 1; length <= LOOPBACK.length; length++) {
    rest.push(Prefix.of(Ip.of(4, LOOPBACK.address.value ^ (1n << BigInt(32 - length))), length));
  }
  return rest;
}
