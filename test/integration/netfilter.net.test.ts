import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import {
  type DesiredRules,
  type DesiredTable,
  formatRestore,
  formatRule,
  isBuiltIn,
  type Jump,
  parseIptablesSave,
  parseRule,
  planRestore,
  type Rule,
} from '@tenet/netfilter';
import { HOST_RULES } from '../../packages/netfilter/testing/host-rules.ts';
import { SPELLINGS } from '../../packages/netfilter/testing/spellings.ts';

const VARIANTS = ['nft', 'legacy'] as const;
type Variant = (typeof VARIANTS)[number];

for (const variant of VARIANTS) {
  const namespace = `tenet-netfilter-${variant}-${process.pid}`;

  describe(`iptables-${variant}`, () => {
    before(() => run(['ip', 'netns', 'add', namespace]));
    after(() => run(['ip', 'netns', 'delete', namespace]));

    for (const [table, spellings] of Object.entries(SPELLINGS)) {
      test(`parseRule() gives the same for what is written and what is printed, table ${table}`, () => {
        const written = spellings.map(([rule]) => rule);
        assert.deepEqual(printed(namespace, variant, table, written), written.map(canonical));
      });

      test(`formatRule() writes what is accepted and read back, table ${table}`, () => {
        const written = spellings.map(([rule]) => canonical(rule));
        assert.deepEqual(printed(namespace, variant, table, written), written);
      });
    }

    test('formatRestore() restores what parseIptablesSave() read, counters too', () => {
      restore(namespace, variant, planRestore(desiredOf(HOST_RULES), installed(namespace, variant)) ?? '');
      const saved = run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-save`, '-c']);
      const text = formatRestore(parseIptablesSave(saved), { withCounters: true });
      run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-restore`, '--counters'], text);
      const again = run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-save`, '-c']);
      assert.deepEqual(withoutComments(again), withoutComments(saved));
    });

    test("planRestore() converges at once to all of a node's rules, and then has nothing to say", () => {
      reset(namespace, variant);
      const desired = desiredOf(HOST_RULES);
      restore(namespace, variant, planRestore(desired, installed(namespace, variant)) ?? '');
      assert.equal(planRestore(desired, installed(namespace, variant)), undefined);
    });

    test('planRestore() repairs what others displaced, changed and removed, and leaves theirs in order', () => {
      reset(namespace, variant);
      const desired = desiredOf(HOST_RULES);
      restore(namespace, variant, planRestore(desired, installed(namespace, variant)) ?? '');
      const meddling = [
        '*filter',
        ':DOCKER-USER - [0:0]',
        ':TENET-OLD - [0:0]',
        ':TENET-INPUT - [0:0]',
        '-A TENET-INPUT -j DROP',
        '-A TENET-OLD -j RETURN',
        '-A DOCKER-USER -s 192.0.2.1 -j RETURN',
        '-A OPENSHIFT-ADMIN-OUTPUT-RULES -d 192.0.2.7 -j DROP',
        '-I FORWARD -j DOCKER-USER',
        '-A FORWARD -s 198.51.100.1 -j DROP',
        '-A FORWARD -j TENET-OLD',
        '-D FORWARD -j KUBE-FORWARD',
        '-A FORWARD -j TENET-GUARD',
        'COMMIT',
      ];
      restore(namespace, variant, `${meddling.join('\n')}\n`);
      restore(namespace, variant, planRestore(desired, installed(namespace, variant)) ?? '');

      const after_ = installed(namespace, variant);
      assert.equal(planRestore(desired, after_), undefined);
      const rulesOf = (chain: string) => after_.tables.get('filter')?.chains.get(chain)?.rules.map(formatRule);
      assert.deepEqual(rulesOf('FORWARD'), [
        '-j TENET-GUARD',
        '-m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL',
        '-j KUBE-FORWARD',
        '-m conntrack --ctstate NEW -j KUBE-SERVICES',
        '-m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES',
        '-j DOCKER-USER',
        '-s 198.51.100.1/32 -j DROP',
        '-i tun0 ! -o tun0 -j OPENSHIFT-ADMIN-OUTPUT-RULES',
        '-j TENET-FORWARD',
      ]);
      assert.deepEqual(rulesOf('DOCKER-USER'), ['-s 192.0.2.1/32 -j RETURN']);
      assert.deepEqual(rulesOf('OPENSHIFT-ADMIN-OUTPUT-RULES'), ['-d 192.0.2.7/32 -j DROP']);
      assert.deepEqual(rulesOf('TENET-OLD'), undefined);
    });

    test('planRestore() keeps the counters of chains that did not change', () => {
      reset(namespace, variant);
      const desired = desiredOf(HOST_RULES);
      const counted = (planRestore(desired, installed(namespace, variant)) ?? '').replace(
        '-A TENET-FORWARD -d',
        '[7:700] -A TENET-FORWARD -d',
      );
      run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-restore`, '--noflush', '--counters'], counted);
      const grown = { ...HOST_RULES, filter: [...(HOST_RULES.filter ?? []), '-A TENET-INPUT -s 192.0.2.9 -j DROP'] };
      restore(namespace, variant, planRestore(desiredOf(grown), installed(namespace, variant)) ?? '');
      const saved = run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-save`, '-c']);
      assert.match(saved, /^\[7:700\] -A TENET-FORWARD -d 10\.128\.0\.0\/14 -j ACCEPT$/m);
      assert.match(saved, /-A TENET-INPUT -s 192\.0\.2\.9\/32 -j DROP$/m);
    });

    test('planRestore() of nothing removes all that is ours and nothing else', () => {
      reset(namespace, variant);
      restore(namespace, variant, '*nat\n:OTHER - [0:0]\n-A OTHER -j RETURN\n-A OUTPUT -j OTHER\nCOMMIT\n');
      const wanted = desiredOf(HOST_RULES);
      restore(namespace, variant, planRestore(wanted, installed(namespace, variant)) ?? '');
      const none: DesiredRules = { tables: [], ownedPrefixes: [...wanted.ownedPrefixes, 'OPENSHIFT-ADMIN-'] };
      restore(namespace, variant, planRestore(none, installed(namespace, variant)) ?? '');
      const left = [...installed(namespace, variant).tables].flatMap(([table, { chains }]) =>
        [...chains].flatMap(([chain, { rules }]) => [
          ...(isBuiltIn(table, chain) ? [] : [`${table} ${chain}`]),
          ...rules.map((rule) => `${table} ${chain} ${formatRule(rule)}`),
        ]),
      );
      assert.deepEqual(left.toSorted(), ['nat OTHER', 'nat OTHER -j RETURN', 'nat OUTPUT -j OTHER']);
    });
  });
}

function canonical(rule: string): string {
  return formatRule(parseRule(rule));
}

/** What a chain of these rules looks like once the kernel has it. */
function printed(namespace: string, variant: Variant, table: string, rules: readonly string[]): string[] {
  reset(namespace, variant);
  const lines = [`*${table}`, ':T - [0:0]', ':X - [0:0]', ...rules.map((rule) => `-A T ${rule}`), 'COMMIT'];
  restore(namespace, variant, `${lines.join('\n')}\n`);
  return (installed(namespace, variant).tables.get(table)?.chains.get('T')?.rules ?? []).map(formatRule);
}

function reset(namespace: string, variant: Variant): void {
  for (const table of ['filter', 'nat', 'raw', 'mangle']) {
    run(['ip', 'netns', 'exec', namespace, `iptables-${variant}`, '-t', table, '-F']);
    run(['ip', 'netns', 'exec', namespace, `iptables-${variant}`, '-t', table, '-X']);
  }
}

function installed(namespace: string, variant: Variant) {
  return parseIptablesSave(run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-save`]));
}

function restore(namespace: string, variant: Variant, text: string): void {
  run(['ip', 'netns', 'exec', namespace, `iptables-${variant}-restore`, '--noflush'], text);
}

function withoutComments(saved: string): string[] {
  return saved.split('\n').filter((line) => !line.startsWith('#'));
}

/** Makes the desired rules of `-A` lines: first in FORWARD up to the services, last behind them. */
function desiredOf(rules: Readonly<Record<string, readonly string[]>>): DesiredRules {
  return {
    tables: Object.entries(rules).map(([table, lines]) => desiredTable(table, lines)),
    ownedPrefixes: ['TENET-', 'KUBE-'],
  };
}

function desiredTable(table: string, lines: readonly string[]): DesiredTable {
  const shared = 'OPENSHIFT-ADMIN-OUTPUT-RULES';
  const chains = new Map<string, Rule[]>();
  const jumps: Jump[] = [];
  for (const line of lines) {
    const [, chain = '', text = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    const rule = parseRule(text);
    if (!isBuiltIn(table, chain)) chains.set(chain, [...(chains.get(chain) ?? []), rule]);
    else jumps.push({ chain, rule, position: /ADMIN-OUTPUT|-j TENET-FORWARD/.test(text) ? 'last' : 'first' });
    const called = rule.target?.name ?? '';
    if (/^(TENET|KUBE)-/.test(called) && !chains.has(called)) chains.set(called, []);
  }
  return { table, chains, sharedChains: table === 'filter' ? [shared] : [], jumps };
}

function run([program = '', ...args]: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8' });
  assert.equal(error, undefined);
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}\n${input}`);
  return stdout;
}
