import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applyRestore } from '../testing/apply-restore.ts';
import type { DesiredRules, Jump } from './desired-rules.ts';
import { formatRule } from './format-rule.ts';
import { parseIptablesSave } from './parse-iptables-save.ts';
import { parseRule } from './parse-rule.ts';
import { planRestore } from './plan-restore.ts';
import type { Ruleset } from './ruleset.ts';

const jump = (chain: string, rule: string, position: Jump['position'] = 'first'): Jump => ({
  chain,
  rule: parseRule(rule),
  position,
});

function desire(chains: Record<string, string[]>, jumps: Jump[] = [], sharedChains: string[] = []): DesiredRules {
  const rules = new Map(Object.entries(chains).map(([name, texts]) => [name, texts.map((text) => parseRule(text))]));
  return { tables: [{ table: 'filter', chains: rules, jumps, sharedChains }], ownedPrefixes: ['TENET-'] };
}

function filter(...lines: string[]): Ruleset {
  return parseIptablesSave(['*filter', ':FORWARD ACCEPT [0:0]', ...lines, 'COMMIT'].join('\n'));
}

const CONTRADICTIONS = [
  { name: 'a built-in chain as a whole', desired: desire({ FORWARD: [] }), says: /FORWARD is a built-in chain/ },
  { name: 'a name that the kernel cannot hold', desired: desire({ ['TENET-'.padEnd(29, 'X')]: [] }), says: /28 bytes/ },
  {
    name: 'a chain that is ours and shared',
    desired: desire({ 'TENET-A': [] }, [], ['TENET-A']),
    says: /both ours and/,
  },
  {
    name: 'a jump inside a chain of ours',
    desired: desire({ 'TENET-A': [] }, [jump('TENET-A', '-j DROP')]),
    says: /single/,
  },
  {
    name: 'a call of a chain that is not desired',
    desired: desire({ 'TENET-A': ['-j TENET-B'] }),
    says: /calls TENET-B/,
  },
  {
    name: 'the same rule first and last',
    desired: desire({ 'TENET-A': [] }, [jump('FORWARD', '-j TENET-A'), jump('FORWARD', '-j TENET-A', 'last')]),
    says: /desired twice/,
  },
];

const PLANS = [
  {
    name: 'makes and fills a chain, then calls it',
    installed: filter('-A FORWARD -j OTHER'),
    desired: desire({ 'TENET-A': ['-s 10.0.0.1 -j DROP'] }, [jump('FORWARD', '-j TENET-A')]),
    plan: [':TENET-A - [0:0]', '-A TENET-A -s 10.0.0.1/32 -j DROP', '-I FORWARD 1 -j TENET-A'],
  },
  {
    name: 'moves only the rule that was displaced',
    installed: filter(
      ':TENET-A - [0:0]',
      ':TENET-B - [0:0]',
      '-A FORWARD -j X',
      '-A FORWARD -j TENET-A',
      '-A FORWARD -j TENET-B',
    ),
    desired: desire({ 'TENET-A': [], 'TENET-B': [] }, [
      jump('FORWARD', '-j TENET-A'),
      jump('FORWARD', '-j TENET-B', 'last'),
    ]),
    plan: ['-D FORWARD -j TENET-A', '-I FORWARD 1 -j TENET-A'],
  },
  {
    name: 'appends behind a rule that somebody added after ours',
    installed: filter(':TENET-A - [0:0]', '-A FORWARD -j TENET-A', '-A FORWARD -j X'),
    desired: desire({ 'TENET-A': [] }, [jump('FORWARD', '-j TENET-A', 'last')]),
    plan: ['-D FORWARD -j TENET-A', '-A FORWARD -j TENET-A'],
  },
  {
    name: 'leaves one of a rule that stands there twice',
    installed: filter(':TENET-A - [0:0]', '-A FORWARD -j TENET-A', '-A FORWARD -j X', '-A FORWARD -j TENET-A'),
    desired: desire({ 'TENET-A': [] }, [jump('FORWARD', '-j TENET-A')]),
    plan: ['-D FORWARD -j TENET-A', '-D FORWARD -j TENET-A', '-I FORWARD 1 -j TENET-A'],
  },
  {
    name: 'deletes a stale rule by the text that is installed',
    installed: filter(':TENET-A - [0:0]', '-A FORWARD -i old0 -m mark --mark 0x1/0xffffffff -j TENET-A'),
    desired: desire({ 'TENET-A': [] }),
    plan: ['-D FORWARD -i old0 -m mark --mark 0x1/0xffffffff -j TENET-A'],
  },
  {
    name: 'removes chains that are no longer wanted, emptied first since they may call each other',
    installed: filter(':TENET-A - [0:0]', ':TENET-B - [0:0]', '-A TENET-A -j TENET-B', '-A FORWARD -g TENET-A'),
    desired: desire({}),
    plan: [':TENET-A - [0:0]', '-D FORWARD -g TENET-A', '-X TENET-A', '-X TENET-B'],
  },
  {
    name: "empties, but does not remove, a chain that a stranger's chain calls",
    installed: filter(':TENET-A - [0:0]', ':ADMIN - [0:0]', '-A TENET-A -j DROP', '-A ADMIN -j TENET-A'),
    desired: desire({}),
    plan: [':TENET-A - [0:0]'],
  },
  {
    name: 'makes a shared chain',
    installed: filter(),
    desired: desire({}, [jump('FORWARD', '-j ADMIN')], ['ADMIN']),
    plan: [':ADMIN - [0:0]', '-A FORWARD -j ADMIN'],
  },
  {
    name: 'says nothing of a shared chain that others filled',
    installed: filter(':ADMIN - [0:0]', '-A ADMIN -j DROP', '-A FORWARD -j ADMIN'),
    desired: desire({}, [jump('FORWARD', '-j ADMIN')], ['ADMIN']),
    plan: undefined,
  },
];

describe('planRestore()', () => {
  for (const { name, desired, says } of CONTRADICTIONS)
    test(`refuses ${name}`, () =>
      assert.throws(() => planRestore(desired, filter()), { name: 'RangeError', message: says }));

  for (const { name, installed, desired, plan } of PLANS) {
    test(name, () => {
      assert.equal(
        planRestore(desired, installed),
        plan && `*filter\n${plan.map((line) => `${line}\n`).join('')}COMMIT\n`,
      );
    });
  }

  test('cleans tables in which nothing is desired', () => {
    const installed = parseIptablesSave(
      '*raw\n:PREROUTING ACCEPT [0:0]\n:TENET-A - [0:0]\n-A PREROUTING -j TENET-A\nCOMMIT\n',
    );
    assert.equal(
      planRestore({ tables: [], ownedPrefixes: ['TENET-'] }, installed),
      '*raw\n-D PREROUTING -j TENET-A\n-X TENET-A\nCOMMIT\n',
    );
  });

  test("reaches any desired state from any other and leaves others' rules in order", () => {
    fc.assert(
      fc.property(rulesets(), desires(), (installed, desired) => {
        const plan = planRestore(desired, installed);
        const result = applyRestore(installed, plan ?? '');
        assert.equal(planRestore(desired, result), undefined);
        assert.deepEqual(othersOf(result), othersOf(installed));
        assertDesired(desired, result);
      }),
      { numRuns: 400 },
    );
  });
});

const OURS = ['TENET-A', 'TENET-B', 'TENET-C'];
const BODIES = ['-j DROP', '-s 10.0.0.1/32 -j ACCEPT', '-p udp -m udp --dport 53 -j RETURN'];

function desires(): fc.Arbitrary<DesiredRules> {
  return fc.subarray(OURS).chain((chains) => {
    const calls = chains.flatMap((chain) => [`-j ${chain}`, `-i tun0 -j ${chain}`]);
    const jumps = fc
      .tuple(fc.shuffledSubarray([...calls, '-j ADM-SHARED']), fc.nat(4))
      .map(([rules, split]) => rules.map((rule, at) => jump('FORWARD', rule, at < split ? 'first' : 'last')));
    const bodies = fc.tuple(...chains.map(() => fc.array(fc.constantFrom(...BODIES), { maxLength: 3 })));
    return fc
      .tuple(jumps, bodies)
      .map(([list, texts]) =>
        desire(Object.fromEntries(chains.map((chain, at) => [chain, texts[at] ?? []])), list, ['ADM-SHARED']),
      );
  });
}

function rulesets(): fc.Arbitrary<Ruleset> {
  const rule = fc.constantFrom(
    '-j DROP',
    '-j OTH-X',
    '-s 192.0.2.1/32 -j ACCEPT',
    ...OURS.flatMap((chain) => [`-j ${chain}`, `-i tun0 -j ${chain}`]),
    '-j ADM-SHARED',
  );
  const bodies = fc.array(fc.constantFrom(...BODIES), { maxLength: 3 });
  const all = fc.record({
    forward: fc.array(rule, { maxLength: 9 }),
    stranger: fc.array(fc.constantFrom('-j DROP', '-j TENET-C'), { maxLength: 2 }),
    shared: fc.array(fc.constant('-j RETURN'), { maxLength: 1 }),
    a: bodies,
    b: fc.array(fc.constantFrom(...BODIES, '-j TENET-C'), { maxLength: 2 }),
    c: bodies,
  });
  return all.map(({ forward, stranger, shared, a, b, c }) => {
    const chains = {
      FORWARD: forward,
      'OTH-X': stranger,
      'ADM-SHARED': shared,
      'TENET-A': a,
      'TENET-B': b,
      'TENET-C': c,
    };
    const names = Object.keys(chains).filter((name) => name !== 'FORWARD');
    const rules = Object.entries(chains).flatMap(([chain, texts]) => texts.map((text) => `-A ${chain} ${text}`));
    return filter(...names.map((name) => `:${name} - [0:0]`), ...rules);
  });
}

/** What no plan may touch: chains of others, and their rules in built-in chains. */
function othersOf({ tables }: Ruleset): Record<string, string[]> {
  const chains = tables.get('filter')?.chains ?? new Map();
  const texts = (name: string): string[] => chains.get(name)?.rules.map(formatRule) ?? [];
  return {
    FORWARD: texts('FORWARD').filter((text) => !/ (TENET-.|ADM-SHARED)$/.test(text)),
    'OTH-X': texts('OTH-X'),
    'ADM-SHARED': texts('ADM-SHARED'),
  };
}

function assertDesired({ tables: [table] }: DesiredRules, { tables }: Ruleset): void {
  const chains = tables.get('filter')?.chains;
  const texts = (name: string): string[] | undefined => chains?.get(name)?.rules.map(formatRule);
  for (const [name, rules] of table?.chains ?? []) assert.deepEqual(texts(name), rules.map(formatRule));
  const at = (position: Jump['position']): string[] =>
    table?.jumps.filter((one) => one.position === position).map(({ rule }) => formatRule(rule)) ?? [];
  const forward = texts('FORWARD') ?? [];
  assert.deepEqual(forward.slice(0, at('first').length), at('first'));
  assert.deepEqual(forward.slice(forward.length - at('last').length), at('last'));
  const ours = forward.filter((text) => / (TENET-.|ADM-SHARED)$/.test(text));
  assert.equal(ours.length, at('first').length + at('last').length);
}
