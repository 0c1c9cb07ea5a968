/** The host's rules as iptables-save shows them, with what they have counted, and which of the guards are in force. */
import assert from 'node:assert/strict';
import { formatRule, parseIptablesSave } from '@tenet/netfilter';
import { ARTICLE_NODE, hostGuards } from '@tenet/pipeline';
import { CLUSTER, SERVICES } from './guarded-packets.ts';
import type { PrivateLab } from './private-lab.ts';

/** The rules that call the guards and the guards themselves, each in its place: `table chain rule`. */
const CALLS = [
  'raw PREROUTING -j TENET-PREROUTING',
  'raw OUTPUT -j TENET-OUTPUT',
  'filter INPUT -j TENET-INPUT',
  'filter FORWARD -j TENET-GUARD',
  'nat POSTROUTING -j TENET-MASQUERADE',
] as const;
const RULES = [
  `raw TENET-PREROUTING -d ${SERVICES} ! -i tun0 -j DROP`,
  `raw TENET-PREROUTING -s ${CLUSTER} ! -i tun0 -j DROP`,
  `raw TENET-PREROUTING -s ${SERVICES} ! -i tun0 -j DROP`,
  'filter TENET-INPUT -i tun0 -p udp -m udp --dport 4789 -j DROP',
  'filter TENET-INPUT -p udp -m udp --dport 4789 -m conntrack --ctstate DNAT -j DROP',
  'filter TENET-GUARD -p udp -m udp --dport 4789 -j DROP',
  `filter TENET-GUARD -s ${CLUSTER} -m conntrack --ctstate INVALID -j DROP`,
  'filter TENET-GUARD ! -i tun0 -o tun0 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP',
  `nat TENET-MASQUERADE -s ${CLUSTER} -j MASQUERADE`,
] as const;
export const HOW_MANY_GUARDS = CALLS.length + RULES.length;

/** Calls of the chains of services, which stand before the guards: all but the guard of what is forwarded. */
const SERVICE_CALL = / -j KUBE-[A-Z-]+$/;

/** Which of the guards are not in force: gone, or called behind a rule of somebody else. */
export async function missingGuards(lab: PrivateLab, target: string): Promise<string[]> {
  const installed = await rulesOf(lab, target);
  const firstOf = new Set<string>();
  const first = installed.filter(({ table, chain, rule }) => {
    if (chain !== 'FORWARD' && SERVICE_CALL.test(rule)) return false;
    const key = `${table} ${chain}`;
    if (firstOf.has(key)) return false;
    firstOf.add(key);
    return true;
  });
  const words = (rules: typeof installed) => rules.map(({ table, chain, rule }) => `${table} ${chain} ${rule}`);
  return [
    ...CALLS.filter((call) => !words(first).includes(call)),
    ...RULES.filter((rule) => !words(installed).includes(rule)),
  ];
}

interface CountedRule {
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  readonly packets: number;
}

async function rulesOf(lab: PrivateLab, target: string): Promise<CountedRule[]> {
  let table = '';
  return (await lab.inNetns(target, 'iptables-save', '-c')).split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    const [, packets, chain = '', rule = ''] = /^\[(\d+):\d+\] -A (\S+) (.*)$/.exec(line) ?? [];
    return packets === undefined ? [] : [{ table, chain, rule, packets: Number(packets) }];
  });
}

/** How many packets a rule has counted. */
export async function countOf(
  lab: PrivateLab,
  target: string,
  { table, chain, rule }: Omit<CountedRule, 'packets'>,
): Promise<number> {
  const found = (await rulesOf(lab, target)).find(
    (each) => each.table === table && each.chain === chain && each.rule === rule,
  );
  assert.ok(found !== undefined, `no rule ${rule} in ${chain}`);
  return found.packets;
}

/** How many packets each guard of a node has dropped since its rules were written, by the guard's name. */
export async function guardDropsOf(lab: PrivateLab, node: string): Promise<ReadonlyMap<string, number>> {
  const { tables } = parseIptablesSave(await lab.inNetns(`node/${node}`, 'iptables-save', '-c'));
  const drops = new Map<string, number>();
  for (const { guard, table, chain, rule } of hostGuards(ARTICLE_NODE.node)) {
    const installed = tables.get(table)?.chains.get(chain)?.rules ?? [];
    const { counters } = installed.find((each) => formatRule(each) === formatRule(rule)) ?? {};
    assert.ok(counters !== undefined, `${node} has no rule ${guard}`);
    drops.set(guard, (drops.get(guard) ?? 0) + Number(counters.packets));
  }
  return drops;
}
