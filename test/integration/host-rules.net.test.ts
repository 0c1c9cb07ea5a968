/** The agent's netfilter rules are kept at the price of one question while nobody touches them, on the real kernel. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createNamespace,
  deleteNamespace,
  type IptablesVariant,
  inNamespace,
  iptablesList,
  iptablesRestore,
  iptablesSave,
  Netlink,
  ProbeSocket,
  readRulesVersion,
} from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules } from '@tenet/pipeline';
import { Ip } from '@tenet/std';
import type { HostRulesSync } from '../../packages/agent/src/host/host-rules-sync.ts';
import type { Netfilter } from '../../packages/agent/src/host/iptables-variants.ts';
import { readNftGeneration } from '../../packages/host/src/netfilter/nft-generation.ts';
import { eventually } from '../eventually.ts';
import { NODE, processesStartedBy, rulesIn, rulesOf, temporaryNamespace } from './host-rules-fixture.ts';
import { within } from './node-and-pod.ts';
import { outsideOf } from './outside-link.ts';
import { sweep } from './sweep.ts';

const LOCALHOST = Ip.parse('127.0.0.1');
const signal = AbortSignal.timeout(120_000);

sweep('tenet-host-rules');

/** What somebody does by hand, in the words of a shell; `$I` is iptables of the variant. */
const MEDDLING: readonly { readonly what: string; readonly by: string; readonly only?: IptablesVariant }[] = [
  { what: 'a rule of ours is deleted', by: '$I -D TENET-GUARD -p udp --dport 4789 -j DROP' },
  { what: 'a rule is added to a chain of ours', by: '$I -I TENET-GUARD -j ACCEPT' },
  { what: 'a rule of ours is replaced by one of the same size', by: '$I -R TENET-GUARD 1 -p udp --dport 4788 -j DROP' },
  { what: 'our place in a chain of the kernel is taken away', by: '$I -D FORWARD -j TENET-GUARD' },
  { what: 'a rule of others comes before ours', by: '$I -I FORWARD -j ACCEPT' },
  { what: 'chains of ours are flushed in filter', by: '$I -F TENET-GUARD; $I -F TENET-INPUT' },
  { what: 'the table raw is flushed', by: '$I -t raw -F' },
  { what: 'the table nat is flushed and its chains are deleted', by: '$I -t nat -F; $I -t nat -X' },
  { what: 'everything is flushed and deleted', by: 'for t in raw filter nat; do $I -t $t -F; $I -t $t -X; done' },
  { what: 'a table is deleted', by: 'nft delete table ip raw', only: 'nft' },
  { what: 'nft flushes the ruleset', by: 'nft flush ruleset', only: 'nft' },
];

for (const variant of ['nft', 'legacy'] as const) {
  const name = `tenet-host-rules-${process.pid}-${variant}`;
  const namespace = `/run/netns/${name}`;

  describe(`with iptables-${variant}`, () => {
    before(() => {
      createNamespace(namespace);
      using netlink = Netlink.open(namespace);
      netlink.changeLink('lo', { up: true });
      // Others use this variant, so it is the one.
      meddle('$I -A OUTPUT -d 192.0.2.9 -j ACCEPT');
    });
    after(() => deleteNamespace(namespace));

    test('reconcile() starts no process while nothing changes, however many packets the rules count', async () => {
      const rules = await settled();
      const counted = () => /^\[(\d+):\d+\] -A TENET-PREROUTING -i lo/m.exec(saved('-c'))?.[1];
      const before = counted();
      using socket = ProbeSocket.open({ protocol: 'udp', namespace, to: LOCALHOST, port: 9 }) as ProbeSocket;
      const started = await processesStartedBy(async () => {
        for (let call = 0; call < 50; call++) {
          socket.send(Uint8Array.of(call));
          await rules.reconcile(signal);
        }
      });
      assert.equal(started, 0);
      assert.ok(Number(counted()) >= Number(before) + 25, `${before} packets, then ${counted()}`);
    });

    for (const { what, by, only } of MEDDLING) {
      if (only !== undefined && only !== variant) continue;
      test(`reconcile() notices and mends it at its next call when ${what}`, async () => {
        const rules = await settled();
        meddle(by);
        assert.notEqual(remaining(), undefined, 'nothing was broken');
        await rules.reconcile(signal);
        assert.equal(remaining(), undefined);
        // It reads what came of it, and then trusts it.
        assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 1);
        assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 0);
      });
    }

    // The kernel says whose rules of nf_tables have changed; of the legacy variant it says that some may have.
    const reads = variant === 'nft' ? 0 : 1;
    test(`reconcile() reads ${reads} times, and changes nothing, when others change what is theirs`, async () => {
      const rules = await settled();
      meddle('$I -N OTHERS; $I -A OTHERS -s 192.0.2.9 -j ACCEPT');
      const theirs = saved();
      assert.equal(await processesStartedBy(() => rules.reconcile(signal)), reads);
      assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 0);
      assert.deepEqual(rulesIn(saved()), rulesIn(theirs));
      meddle('$I -F OTHERS; $I -X OTHERS');
    });

    test('reconcile() mends at its next call what a failed restore has left', async () => {
      let failNow = false;
      const rules = await settled({
        iptablesRestore: async (text, options) => {
          if (failNow) throw new Error('the restore failed');
          await iptablesRestore(text, { ...options, namespace });
        },
      });
      failNow = true;
      meddle('$I -F TENET-GUARD');
      await assert.rejects(rules.reconcile(signal), /the restore failed/);
      assert.notEqual(remaining(), undefined);
      failNow = false;
      await rules.reconcile(signal);
      assert.equal(remaining(), undefined);
    });

    test('reconcile() notices at its next call what changed while the rules were read', async () => {
      let meddleNow = false;
      const rules = await settled({
        iptablesSave: async (scope) => {
          const text = await iptablesSave({ ...scope, namespace });
          if (meddleNow) meddle('$I -F TENET-GUARD');
          meddleNow = false;
          return text;
        },
      });
      // Makes it read, and find nothing to do.
      meddle('$I -A OUTPUT -s 192.0.2.8 -j ACCEPT');
      meddleNow = true;
      await rules.reconcile(signal);
      assert.notEqual(remaining(), undefined, 'nothing was broken');
      await rules.reconcile(signal);
      assert.equal(remaining(), undefined);
      meddle('$I -D OUTPUT -s 192.0.2.8 -j ACCEPT');
    });

    test('reconcile() notices at its next call what changed right behind a restore', async () => {
      let meddleNow = false;
      const rules = await settled({
        iptablesRestore: async (text, options) => {
          await iptablesRestore(text, { ...options, namespace });
          if (meddleNow) meddle('$I -D FORWARD -j TENET-GUARD');
          meddleNow = false;
        },
      });
      meddle('$I -F TENET-GUARD');
      meddleNow = true;
      await rules.reconcile(signal);
      assert.notEqual(remaining(), undefined, 'nothing was broken');
      await rules.reconcile(signal);
      assert.equal(remaining(), undefined);
    });

    test('reconcile() reads the rules once a minute though their version stays', async () => {
      let nowMs = 0;
      const rules = await settled({}, () => nowMs);
      const startedAt = async (ms: number) => {
        nowMs = ms;
        return await processesStartedBy(() => rules.reconcile(signal));
      };
      assert.deepEqual([await startedAt(59_999), await startedAt(60_000), await startedAt(60_001)], [0, 1, 0]);
    });

    test('guardDrops() counts what outside forges, and never falls, whatever becomes of the rules', async () => {
      using outside = outsideOf(namespace);
      let nowMs = 0;
      const rules = await settled({}, () => nowMs);
      const asked = async () => {
        nowMs += 10_000;
        const { 'outside-forging-pod': forged = 0n, ...rest } = Object.fromEntries(await rules.guardDrops());
        assert.deepEqual(Object.values(rest), Object.values(rest).fill(0n));
        return forged;
      };
      const start = await asked();
      outside.forge(3);
      await eventually(async () => ((await asked()) === start + 3n ? true : undefined), { what: 'three drops' });
      // An agent that fills a chain again saves first what its rules have counted.
      const counter = () => Number(/^\[(\d+):\d+\] -A TENET-PREROUTING -s 10\.128/m.exec(saved('-c'))?.[1]);
      const before = counter();
      outside.forge(2);
      await eventually(() => (counter() === before + 2 ? true : undefined), { what: 'two drops' });
      meddle('$I -t raw -A TENET-PREROUTING -j ACCEPT');
      await rules.reconcile(signal);
      await eventually(async () => ((await asked()) === start + 5n ? true : undefined), { what: 'five drops' });
      meddle('$I -t raw -F');
      assert.equal(await asked(), start + 5n);
      await rules.reconcile(signal);
      assert.equal(await asked(), start + 5n);
      // As many as were counted before: a new counter all the same.
      outside.forge(5);
      await eventually(async () => ((await asked()) === start + 10n ? true : undefined), { what: 'ten drops' });
    });

    test('guardDrops() starts a process a chain or table every 10 s at most, and keeps its numbers while the rules cannot be read', async () => {
      let nowMs = 0;
      let failNow = false;
      const busy = () => {
        if (failNow) throw new Error('iptables is busy');
      };
      const rules = await settled(
        {
          iptablesList: async (options) => {
            busy();
            return await iptablesList({ ...options, namespace });
          },
          iptablesSave: async (options) => {
            busy();
            return await iptablesSave({ ...options, namespace });
          },
        },
        () => nowMs,
      );
      const parts = variant === 'nft' ? ['TENET-PREROUTING', 'TENET-INPUT', 'TENET-GUARD'] : ['raw', 'filter'];
      const startedAt = async (ms: number) => {
        nowMs = ms;
        return await processesStartedBy(() => Promise.all([rules.guardDrops(), rules.guardDrops()]));
      };
      assert.deepEqual(
        [await startedAt(0), await startedAt(9_999), await startedAt(10_000)],
        [parts.length, 0, parts.length],
      );
      const before = [...(await rules.guardDrops())];
      failNow = true;
      nowMs = 20_000;
      assert.deepEqual([...(await rules.guardDrops())], before);
    });

    test('reconcile() reads the rules at every call in a kernel that does not say their version', async () => {
      const rules = await settled({ readRulesVersion: () => undefined });
      assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 1);
    });

    /** Rules in place, and one who has found them right. */
    async function settled(others: Partial<Netfilter> = {}, nowMs?: () => number): Promise<HostRulesSync> {
      const rules = rulesOf(namespace, { netfilter: others, ...(nowMs && { nowMs }) });
      await rules.reconcile(signal);
      await rules.reconcile(signal);
      assert.equal(rules.variant, variant);
      assert.equal(remaining(), undefined);
      return rules;
    }

    function meddle(by: string): void {
      const { status, stderr } = within(name, 'sh', '-ec', `I=iptables-${variant}; ${by}`);
      assert.equal(status, 0, stderr);
    }

    function saved(...args: string[]): string {
      return within(name, `iptables-${variant}-save`, ...args).stdout;
    }

    /** What would have to be done now. */
    function remaining(): string | undefined {
      return planRestore(hostRules(NODE), parseIptablesSave(saved()));
    }
  });
}

test('readNftGeneration() stays while rules count packets, and moves at each commit, whoever makes it', async () => {
  using place = temporaryNamespace('generation');
  const { namespace, name } = place;
  const first = readNftGeneration(namespace);
  assert.equal(typeof first, 'number');
  assert.equal(readNftGeneration(namespace), first);
  const seen = new Set([first]);
  for (const command of [
    'nft add table inet others',
    'iptables-nft -A INPUT -j ACCEPT',
    'iptables-nft -F',
    'nft flush ruleset',
  ]) {
    assert.equal(within(name, 'sh', '-c', command).status, 0);
    const now = readNftGeneration(namespace);
    assert.ok(!seen.has(now), `${command} left the generation at ${now}`);
    seen.add(now);
  }
});

test('readRulesVersion() of iptables-legacy makes no table by asking', async () => {
  using place = temporaryNamespace('legacy');
  const tables = () => within(place.name, 'cat', '/proc/net/ip_tables_names').stdout;
  assert.equal(tables(), '');
  const none = readRulesVersion({ variant: 'legacy', namespace: place.namespace });
  assert.equal(tables(), '');
  assert.equal(within(place.name, 'iptables-legacy', '-t', 'raw', '-S').status, 0);
  assert.equal(tables(), 'raw\n');
  assert.notEqual(readRulesVersion({ variant: 'legacy', namespace: place.namespace }), none);
  assert.equal(
    inNamespace(place.namespace, () => typeof readRulesVersion({ variant: 'legacy' })),
    'string',
  );
});
