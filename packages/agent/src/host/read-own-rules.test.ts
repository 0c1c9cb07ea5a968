import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planRestore } from '@tenet/netfilter';
import { ARTICLE_NODE, hostRules } from '@tenet/pipeline';
import { type ListRules, readOwnRules } from './read-own-rules.ts';

const DESIRED = hostRules(ARTICLE_NODE.node, { serviceChains: true });

/** What `iptables -v -S` says of a node whose rules are right, and of its services. */
function listed(): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  const add = (table: string, chain: string, line: string) =>
    lines.set(`${table} ${chain}`, [...(lines.get(`${table} ${chain}`) ?? []), line]);
  let table = '';
  for (const line of (planRestore(DESIRED, { tables: new Map() }) ?? '').split('\n')) {
    const [word = '', chain = '', ...rest] = line.split(' ');
    if (word.startsWith('*')) table = word.slice(1);
    else if (word.startsWith(':')) add(table, word.slice(1), `-N ${word.slice(1)}`);
    // Of what is inserted, the number is not a part of the rule.
    else if (word === '-I') add(table, chain, `-A ${chain} ${rest.slice(1).join(' ')}`);
    else if (word === '-A') add(table, chain, line);
  }
  for (const chain of ['PREROUTING', 'OUTPUT', 'POSTROUTING'])
    lines.set(`nat ${chain}`, [`-P ${chain} ACCEPT -c 1 2`, ...(lines.get(`nat ${chain}`) ?? [])]);
  for (const chain of ['PREROUTING', 'OUTPUT'])
    lines.set(`raw ${chain}`, [`-P ${chain} ACCEPT -c 1 2`, ...(lines.get(`raw ${chain}`) ?? [])]);
  for (const chain of ['INPUT', 'FORWARD', 'OUTPUT'])
    lines.set(`filter ${chain}`, [`-P ${chain} ACCEPT -c 1 2`, ...(lines.get(`filter ${chain}`) ?? [])]);
  lines.set('filter KUBE-SERVICES', ['-N KUBE-SERVICES', '-A KUBE-SERVICES -d 172.30.9.9/32 -c 0 0 -j REJECT']);
  lines.set('nat KUBE-SVC-A', ['-N KUBE-SVC-A', '-A KUBE-SVC-A -c 0 0 -j RETURN']);
  return lines;
}

/** Answers as the tool does, and remembers what it was asked. */
function tool(lines: ReadonlyMap<string, readonly string[]>): { readonly asked: string[]; readonly list: ListRules } {
  const asked: string[] = [];
  return {
    asked,
    list: async (table, chain) => {
      asked.push(chain === undefined ? table : `${table} ${chain}`);
      if (chain !== undefined) return (lines.get(`${table} ${chain}`) ?? []).join('\n');
      const all = [...lines].flatMap(([at, own]) => (at.startsWith(`${table} `) ? own : []));
      return [...all.filter((line) => !line.startsWith('-A')), ...all.filter((line) => line.startsWith('-A'))].join(
        '\n',
      );
    },
  };
}

describe('readOwnRules()', () => {
  test('finds nothing to do where all is right, and asks for no chain of a service', async () => {
    const { asked, list } = tool(listed());
    assert.equal(planRestore(DESIRED, await readOwnRules(DESIRED, list)), undefined);
    assert.deepEqual(asked.sort(), [
      'filter',
      'nat OUTPUT',
      'nat POSTROUTING',
      'nat PREROUTING',
      'nat TENET-MASQUERADE',
      'raw',
    ]);
  });

  for (const [what, at, line] of [
    ['a rule of ours is gone', 'raw TENET-PREROUTING', /NOTRACK|-j CT/],
    ['a call is gone', 'filter FORWARD', /-j TENET-GUARD/],
    ['a call of a chain of services is gone', 'nat PREROUTING', /-j KUBE-SERVICES/],
  ] as const)
    test(`finds what to do when ${what}`, async () => {
      const lines = listed();
      lines.set(
        at,
        (lines.get(at) ?? []).filter((each) => !line.test(each)),
      );
      const restore = planRestore(DESIRED, await readOwnRules(DESIRED, tool(lines).list)) ?? '';
      assert.match(restore, line);
      // That would empty it.
      assert.doesNotMatch(restore, /^:KUBE-/m);
    });

  test('asks for a chain of services that nothing calls, and leaves it as it is when it is there', async () => {
    const lines = listed();
    for (const chain of ['PREROUTING', 'OUTPUT']) lines.set(`nat ${chain}`, [`-P ${chain} ACCEPT -c 0 0`]);
    const there = tool(lines);
    assert.doesNotMatch(planRestore(DESIRED, await readOwnRules(DESIRED, there.list)) ?? '', /^:KUBE-SERVICES/m);
    assert.ok(there.asked.includes('nat KUBE-SERVICES'));
    lines.delete('nat KUBE-SERVICES');
    assert.match(planRestore(DESIRED, await readOwnRules(DESIRED, tool(lines).list)) ?? '', /^:KUBE-SERVICES/m);
  });
});
