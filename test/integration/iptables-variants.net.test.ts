/** Both variants of iptables hold rules on one machine, on the real kernel: ours stay in one, and nothing goes stale. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { askNodeStatus } from '@tenet/agent/status';
import type { IptablesVariant } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules } from '@tenet/pipeline';
import { type Logger, SILENT } from '@tenet/std';
import { NODE, processesStartedBy, rulesIn, rulesOf, temporaryNamespace } from './host-rules-fixture.ts';
import { within } from './node-and-pod.ts';
import { privateNode } from './private-node.ts';
import { sweep } from './sweep.ts';

const LOOK_MS = 60_000;
const signal = AbortSignal.timeout(180_000);

sweep('tenet-host-rules');

for (const [ours, theirs] of [
  ['nft', 'legacy'],
  ['legacy', 'nft'],
] as const) {
  describe(`with ours in ${ours} and others in ${theirs}`, () => {
    test('a restarted agent finds its rules where they are, changes nothing, and says once what others have', async () => {
      using node = machine(ours);
      await rulesOf(node.namespace).reconcile(signal);
      assert.equal(node.isRight(ours), true);
      node.run(`i=0; while [ $i -lt 60 ]; do iptables-${theirs} -A INPUT -s 192.0.2.$i -j ACCEPT; i=$((i+1)); done`);
      node.run(`iptables-${theirs} -I FORWARD -j DROP`);
      const before = node.both();
      const log = warnings();
      const changes: unknown[] = [];
      const restarted = rulesOf(node.namespace, { log, onChanged: (change) => changes.push(change) });
      await restarted.reconcile(signal);
      await restarted.reconcile(signal);
      assert.equal(restarted.variant, ours);
      assert.equal(restarted.otherVariantRules, 61);
      assert.deepEqual(changes, []);
      assert.deepEqual(node.both(), before);
      assert.deepEqual(log.said, [`rules of others in the other variant of iptables: 61 in ${theirs}`]);
    });

    test('what others add there is found within a minute, said when it is new, and forgotten when it has gone', async () => {
      using node = machine(ours);
      let nowMs = 0;
      const log = warnings();
      const rules = rulesOf(node.namespace, { log, nowMs: () => nowMs });
      const seen: (number | undefined)[] = [rules.otherVariantRules];
      const afterAMinute = async (change: string) => {
        node.run(change);
        nowMs += LOOK_MS - 1;
        await rules.reconcile(signal);
        const early = rules.otherVariantRules;
        nowMs += 1;
        await rules.reconcile(signal);
        seen.push(rules.otherVariantRules);
        return early;
      };
      await rules.reconcile(signal);
      seen.push(rules.otherVariantRules);
      assert.equal(await afterAMinute(`iptables-${theirs} -I FORWARD -j DROP`), 0, 'it looked before its time');
      await afterAMinute(`iptables-${theirs} -A FORWARD -j ACCEPT`);
      await afterAMinute(`iptables-${theirs} -F FORWARD`);
      await afterAMinute(`iptables-${theirs} -P FORWARD DROP`);
      assert.deepEqual(seen, [undefined, 0, 1, 2, 0, 1]);
      assert.deepEqual(
        log.said,
        [1, 1].map((count) => `rules of others in the other variant of iptables: ${count} in ${theirs}`),
      );
    });

    test('a look starts no process while nothing has changed there', async () => {
      using node = machine(ours);
      let nowMs = 0;
      // Ours are trusted for a minute from their last reading, which is a process then.
      const rules = rulesOf(node.namespace, { nowMs: () => nowMs });
      await rules.reconcile(signal);
      nowMs = LOOK_MS / 2;
      node.run(`iptables-${ours} -N OTHERS`);
      await rules.reconcile(signal);
      nowMs = LOOK_MS;
      assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 0);
      nowMs = LOOK_MS + 1;
      node.run(`iptables-${theirs} -N OTHERS`);
      assert.equal(await processesStartedBy(() => rules.reconcile(signal)), 0);
    });

    test('what is ours in both stays where others have more, and goes from the other without a trace', async () => {
      using node = machine(ours);
      await rulesOf(node.namespace).reconcile(signal);
      node.copyOurs(ours, theirs);
      node.run(`iptables-${ours} -A FORWARD -s 192.0.2.2 -j ACCEPT; iptables-${ours} -A INPUT -s 192.0.2.3 -j ACCEPT`);
      node.run(`iptables-${theirs} -I FORWARD -s 192.0.2.1 -j ACCEPT; iptables-${theirs} -N OTHERS`);
      const changes: { readonly added: number; readonly removed?: number }[] = [];
      const rules = rulesOf(node.namespace, { onChanged: (change) => changes.push(change) });
      await rules.reconcile(signal);
      await rules.reconcile(signal);
      assert.equal(rules.variant, ours);
      assert.equal(node.isRight(ours), true);
      const left = node.rules(theirs);
      assert.deepEqual(
        left.filter((line) => line.includes('TENET-')),
        [],
      );
      assert.ok(left.includes('-A FORWARD -s 192.0.2.1/32 -j ACCEPT') && left.includes(':OTHERS -'), left.join('\n'));
      assert.ok(changes.some(({ removed = 0 }) => removed > 0));
      assert.equal(rules.otherVariantRules, 1);
    });
  });
}

test('tenet node says in its status what others have in the other variant, and with what to do', async () => {
  await using node = await privateNode();
  const inNode = (script: string) => {
    const { status, stderr } = within(node.ovs.netns, 'sh', '-ec', script);
    assert.equal(status, 0, stderr);
  };
  const started = async () => {
    await using daemon = await node.start();
    await daemon.ready();
    return await askNodeStatus(join(node.ovs.directory, 'status.sock'));
  };
  const first = await started();
  assert.deepEqual([first.iptables, first.otherIptablesRules, first.problems], ['nft', 0, []]);
  inNode('i=0; while [ $i -lt 41 ]; do iptables-legacy -I FORWARD -s 192.0.2.$i -j DROP; i=$((i+1)); done');
  const { iptables, otherIptablesRules, problems } = await started();
  assert.deepEqual([iptables, otherIptablesRules], ['nft', 41]);
  assert.deepEqual(
    problems.map(({ code, remedy }) => [code, remedy]),
    [['FOREIGN_IPTABLES_RULES', 'move those rules to iptables-nft or remove them; iptables-legacy-save shows them']],
  );
});

/** A namespace where others use one variant, which is why ours go there. */
function machine(used: IptablesVariant) {
  const place = temporaryNamespace(`variants-${used}`);
  const run = (script: string) => {
    const { status, stdout, stderr } = within(place.name, 'sh', '-ec', script);
    assert.equal(status, 0, `${script}: ${stderr}`);
    return stdout;
  };
  const saved = (variant: IptablesVariant) => run(`iptables-${variant}-save`);
  run(`iptables-${used} -A OUTPUT -d 192.0.2.9 -j ACCEPT`);
  return {
    namespace: place.namespace,
    run,
    rules: (variant: IptablesVariant) => rulesIn(saved(variant)),
    both: () => ({ nft: rulesIn(saved('nft')), legacy: rulesIn(saved('legacy')) }),
    isRight: (variant: IptablesVariant) =>
      planRestore(hostRules(NODE), parseIptablesSave(saved(variant))) === undefined,
    /** What an agent that took the other variant would have left. */
    copyOurs(from: IptablesVariant, to: IptablesVariant) {
      run(`iptables-${from}-save | grep -v 192.0.2.9 | iptables-${to}-restore`);
      assert.ok(rulesIn(saved(to)).includes('-A FORWARD -j TENET-GUARD'));
    },
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
}

/** A log that keeps its warnings. */
function warnings(): Logger & { readonly said: readonly string[] } {
  const said: string[] = [];
  return {
    ...SILENT,
    said,
    warn: (message, { rules, version, remedy } = {}) => {
      assert.match(String(remedy), /^move those rules to iptables-(nft|legacy) or remove them/);
      said.push(`${message}: ${rules} in ${version}`);
    },
  };
}
