import { formatRule, type Rule, type Table } from '@tenet/netfilter';
import type { CountedStep } from './service-walk.ts';

/** The address and port that a client asks for. */
export interface ServiceAddress {
  readonly ip: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** Where every service begins, as kube-proxy calls it, and how the names of the chains of one begin. */
const DISPATCH = 'KUBE-SERVICES';
const OF_ONE_SERVICE = /^KUBE-(SVC|SVL|SEP|EXT|FW)-/;

/**
 * The rules of the nat table that a packet to a service may pass: the one that leads to its chain, then those of the
 * chain and of its endpoints' chains. Without comments: the names of the chains say as much.
 */
export function natPath(nat: Table, address: ServiceAddress): CountedStep[] {
  const entry = nat.chains.get(DISPATCH)?.rules.find((rule) => isFor(rule, address));
  if (entry === undefined) return [];
  const steps: CountedStep[] = [stepOf(DISPATCH, entry)];
  const seen = new Set<string>();
  const follow = ({ target }: Rule) => {
    if (target === undefined || !OF_ONE_SERVICE.test(target.name) || seen.has(target.name)) return;
    seen.add(target.name);
    const rules = nat.chains.get(target.name)?.rules ?? [];
    for (const rule of rules) steps.push(stepOf(target.name, rule));
    for (const rule of rules) follow(rule);
  };
  follow(entry);
  return steps;
}

function isFor({ destination, protocol, matches, target }: Rule, address: ServiceAddress): boolean {
  const ports = matches.flatMap(({ options }) => options.filter(({ name }) => name === '--dport'));
  return (
    destination?.value.split('/')[0] === address.ip &&
    !destination.negated &&
    protocol?.value === address.protocol &&
    ports.some(({ values }) => values[0] === String(address.port)) &&
    OF_ONE_SERVICE.test(target?.name ?? '')
  );
}

function stepOf(chain: string, rule: Rule): CountedStep {
  const matches = rule.matches.filter(({ name }) => name !== 'comment');
  return { at: chain, says: formatRule({ ...rule, matches }), packets: rule.counters?.packets ?? 0n };
}
