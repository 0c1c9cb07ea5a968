/** What tells whether netfilter rules have changed, and where, on the real kernel: without it each look would list all. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createNamespace,
  deleteNamespace,
  iptablesList,
  NftNews,
  readLegacyDigest,
  readLegacySizes,
  readNftGeneration,
} from '@tenet/host';
import { formatRule, parseIptablesList, parseIptablesSave } from '@tenet/netfilter';
import { within } from './node-and-pod.ts';

const NAME = `tenet-rules-news-${process.pid}`;
const NAMESPACE = `/run/netns/${NAME}`;
const NFPROTO_IPV4 = 2;
const NFPROTO_INET = 1;

before(() => createNamespace(NAMESPACE));
after(() => deleteNamespace(NAMESPACE));

function run(script: string): string {
  const { status, stdout, stderr } = within(NAME, 'sh', '-ec', script);
  assert.equal(status, 0, `${script}: ${stderr}`);
  return stdout;
}

describe('NftNews', () => {
  let news: NftNews;
  before(() => {
    run('iptables-nft -A INPUT -j ACCEPT; iptables-nft -D INPUT -j ACCEPT');
    news = NftNews.open(NAMESPACE);
  });
  after(() => news[Symbol.dispose]());

  /** Each step, and the places that it changes. */
  const STEPS: readonly { readonly by: string; readonly changes: readonly string[] }[] = [
    { by: 'true', changes: [] },
    { by: 'iptables-nft-save', changes: [] },
    { by: 'iptables-nft -A FORWARD -j ACCEPT', changes: ['2 filter FORWARD'] },
    { by: 'iptables-nft -R FORWARD 1 -j DROP', changes: ['2 filter FORWARD'] },
    { by: 'iptables-nft -t nat -N OTHERS', changes: ['2 nat', '2 nat OTHERS'] },
    { by: 'iptables-nft -t nat -A OTHERS -j RETURN', changes: ['2 nat OTHERS'] },
    { by: 'iptables-nft -t nat -F OTHERS; iptables-nft -t nat -X OTHERS', changes: ['2 nat OTHERS'] },
    { by: 'nft add table inet mine', changes: ['1 mine'] },
    { by: "nft add set inet mine s '{ type ipv4_addr; }'", changes: ['1 mine'] },
    { by: "nft add element inet mine s '{ 192.0.2.1 }'", changes: ['1 mine'] },
    { by: 'nft delete table inet mine', changes: ['1 mine'] },
    { by: 'nft flush ruleset', changes: ['2 filter', '2 filter FORWARD', '2 filter INPUT', '2 nat'] },
  ];
  for (const { by, changes } of STEPS) {
    test(`take() names ${changes.length === 0 ? 'nothing' : changes.join(', ')} after ${by}`, () => {
      run(by);
      const taken = news.take();
      const places = taken?.map(({ family, table, chain }) => [family, table, chain].filter(Boolean).join(' '));
      const [latest] = taken?.slice(-1) ?? [];
      if (latest !== undefined) assert.equal(latest.generation, readNftGeneration(NAMESPACE));
      assert.deepEqual([...new Set(places)].sort(), changes);
      assert.deepEqual(news.take(), [], 'once');
    });
  }

  test('take() says that it cannot tell when there was more than it reads, and hears again after that', () => {
    run(
      'nft add table inet mine; i=0; while [ $i -lt 200 ]; do echo add chain inet mine c$i; nft add chain inet mine c$i; i=$((i+1)); done',
    );
    assert.equal(news.take(), undefined);
    assert.deepEqual(news.take(), []);
    run('nft delete table inet mine');
    assert.ok(news.take()?.some(({ family, table }) => family === NFPROTO_INET && table === 'mine'));
  });

  test('take() hears of its own namespace alone', () => {
    const other = `${NAME}-other`;
    createNamespace(`/run/netns/${other}`);
    try {
      assert.equal(within(other, 'nft', 'add', 'table', 'ip', 'theirs').status, 0);
      assert.deepEqual(news.take(), []);
    } finally {
      deleteNamespace(`/run/netns/${other}`);
    }
    run('nft add table ip ours');
    const generation = readNftGeneration(NAMESPACE);
    assert.deepEqual(news.take(), [{ generation, family: NFPROTO_IPV4, table: 'ours' }]);
  });
});

describe('readLegacySizes()', () => {
  const STEPS: readonly { readonly by: string; readonly moves: boolean }[] = [
    { by: 'iptables-legacy -A FORWARD -s 192.0.2.1 -j ACCEPT', moves: true },
    { by: 'iptables-legacy -Z', moves: false },
    { by: 'iptables-legacy -R FORWARD 1 -s 192.0.2.2 -j ACCEPT', moves: false },
    { by: 'iptables-legacy -t nat -N KUBE', moves: true },
    { by: 'iptables-legacy -A FORWARD -s 192.0.2.2 -j ACCEPT', moves: true },
    { by: 'iptables-legacy -F', moves: true },
  ];
  for (const { by, moves } of STEPS) {
    test(`${moves ? 'moves' : 'stays'} after ${by}`, () => {
      const [before, digest] = [readLegacySizes(NAMESPACE), readLegacyDigest(NAMESPACE)];
      run(by);
      assert.equal(readLegacySizes(NAMESPACE) !== before, moves);
      // The digest tells what sizes do not, and nothing that is no rule.
      assert.equal(readLegacyDigest(NAMESPACE) !== digest, moves || by.includes('-R'));
    });
  }
});

describe('iptablesList()', () => {
  before(() =>
    run('iptables-nft -N MINE; iptables-nft -A MINE -s 192.0.2.0/24 -j DROP; iptables-nft -A INPUT -j MINE'),
  );

  test('is nothing for a chain that is not there', async () => {
    assert.equal(await iptablesList({ table: 'filter', chain: 'NOPE', namespace: NAMESPACE }), '');
  });

  test('is one chain, or a whole table, as iptables-save has it', async () => {
    const saved = parseIptablesSave(run('iptables-nft-save')).tables.get('filter')?.chains;
    const rulesOf = (chains = saved) => [...(chains ?? [])].map(([chain, { rules }]) => [chain, rules.map(formatRule)]);
    const one = parseIptablesList(
      'filter',
      await iptablesList({ table: 'filter', chain: 'MINE', namespace: NAMESPACE }),
    );
    assert.deepEqual(rulesOf(one.chains), [['MINE', ['-s 192.0.2.0/24 -j DROP']]]);
    const all = parseIptablesList('filter', await iptablesList({ table: 'filter', namespace: NAMESPACE }));
    assert.deepEqual(rulesOf(all.chains), rulesOf());
  });
});
