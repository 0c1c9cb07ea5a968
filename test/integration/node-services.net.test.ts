/** Services of the API are in the kernel of a node within a second, and stay there whatever others do, in either back end. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askNodeStatus } from '@tenet/agent/status';
import { readNftGeneration } from '@tenet/host';
import { askDaemon } from './ask-daemon.ts';
import { type NodeWithServices, nodeWithServices } from './node-with-services.ts';
import { parseMetrics } from './parse-metrics.ts';
import { type Daemon, until } from './private-node.ts';

/** What users are promised, and what a machine that is busy with other tests may take. */
const PROMISED_MS = 1_000;
const DEADLINE_MS = 10 * PROMISED_MS;

interface Case {
  readonly mode: 'iptables' | 'nftables';
  readonly variant: 'nft' | 'legacy';
  /** What somebody does by hand, in the words of a shell. */
  readonly meddling: readonly { readonly what: string; readonly by: string }[];
}

const CASES: readonly Case[] = [
  {
    mode: 'iptables',
    variant: 'nft',
    meddling: [
      { what: 'KUBE-SERVICES is flushed', by: 'iptables-nft -t nat -F KUBE-SERVICES' },
      {
        what: 'one rule is deleted',
        by: 'iptables-nft -t nat -D $(iptables-nft-save -t nat | grep -m1 "^-A KUBE-SEP.* DNAT" | cut -c4- | tr -d \'"\')',
      },
      { what: 'the mark is changed', by: 'iptables-nft -t nat -R KUBE-MARK-MASQ 1 -j MARK --set-mark 0x8000' },
      { what: 'a rule is added to a chain of ours', by: 'iptables-nft -t nat -I KUBE-POSTROUTING -j ACCEPT' },
      {
        what: 'the table nat is flushed, and its chains are deleted',
        by: 'iptables-nft -t nat -F; iptables-nft -t nat -X',
      },
      { what: 'nft flushes the ruleset', by: 'nft flush ruleset; iptables-nft -A OUTPUT -d 192.0.2.9 -j ACCEPT' },
    ],
  },
  {
    mode: 'iptables',
    variant: 'legacy',
    meddling: [
      { what: 'KUBE-SERVICES is flushed', by: 'iptables-legacy -t nat -F KUBE-SERVICES' },
      {
        what: 'a rule is replaced by one of the same size',
        by: 'iptables-legacy -t nat -R KUBE-MARK-MASQ 1 -j MARK --set-mark 0x8000',
      },
      {
        what: 'the table nat is flushed, and its chains are deleted',
        by: 'iptables-legacy -t nat -F; iptables-legacy -t nat -X',
      },
    ],
  },
  {
    mode: 'nftables',
    variant: 'nft',
    meddling: [
      {
        what: 'a chain is flushed',
        by: 'nft flush chain ip tenet $(nft list table ip tenet | grep -m1 "chain .* {" | cut -d" " -f2)',
      },
      {
        what: 'the elements of all maps are flushed',
        by: 'for m in $(nft list maps ip | awk \'/table/ {t=$3} /map/ {if (t == "tenet") print $2}\'); do nft flush map ip tenet $m; done',
      },
      { what: 'the table is deleted', by: 'nft delete table ip tenet' },
      { what: 'nft flushes the ruleset', by: 'nft flush ruleset; iptables-nft -A OUTPUT -d 192.0.2.9 -j ACCEPT' },
    ],
  },
];

for (const { mode, variant, meddling } of CASES) {
  describe(`services by ${mode}, with iptables-${variant}`, () => {
    let services: NodeWithServices;
    let daemon: Daemon;

    before(async () => {
      services = await nodeWithServices({ mode, variant });
      await services.add('first', '172.30.9.1', ['10.131.2.5', '10.129.0.5']);
      daemon = await services.node.start();
      await daemon.ready();
      await services.untilThere('10.131.2.5');
    });
    after(async () => {
      await daemon?.[Symbol.asyncDispose]();
      await services?.[Symbol.asyncDispose]();
    });

    /** Until nothing is wrong and nothing is pending; asked of the daemon itself. */
    const settled = () =>
      until(async () => {
        const status = await askNodeStatus(join(services.node.ovs.directory, 'status.sock'));
        return status.services?.ready && status.services.pending === 0 ? status : undefined;
      }, 'services are ready');

    test('a service is forwarded within a second of its making, an endpoint that goes is not', async () => {
      const times: number[] = [];
      await services.add('second', '172.30.9.2', ['10.131.2.6', '10.129.0.6']);
      times.push(await services.untilThere('10.129.0.6'));
      await services.change('second', ['10.131.2.6']);
      times.push(await services.untilGone('10.129.0.6'));
      await services.change('second', ['10.131.2.6', '10.129.0.7']);
      times.push(await services.untilThere('10.129.0.7'));
      await services.remove('second');
      times.push(await services.untilGone('10.131.2.6'));
      console.log(`# in the kernel after ${times.map(Math.round).join(', ')} ms`);
      for (const ms of times) assert.ok(ms < DEADLINE_MS, `${ms}`);
    });

    test('the daemon is ready, and says in status and metrics what it forwards', async () => {
      const { services: said, problems } = await settled();
      const { backEnd, ...counts } = said ?? assert.fail('nothing is said of services');
      assert.equal(backEnd, mode);
      assert.deepEqual([counts.services, counts.ports, counts.endpoints], [1, 1, 2]);
      assert.deepEqual(problems, []);
      const { status, body } = await askDaemon(services.node, '/readyz');
      assert.deepEqual([status, body], [200, 'ok\n']);
      const metrics = parseMetrics((await askDaemon(services.node, '/metrics')).body);
      const value = (name: string, series = name) => metrics.get(name)?.series.get(series);
      assert.equal(value('tenet_proxy_endpoints'), 2);
      assert.equal(value('tenet_proxy_changes_pending'), 0);
      assert.equal(value('tenet_proxy_sync_failures_total'), 0);
      assert.ok(
        Number(
          value('tenet_proxy_rules_changed_total', `tenet_proxy_rules_changed_total{backend="${mode}",change="added"}`),
        ) > 4,
      );
      const programmed = 'tenet_proxy_network_programming_duration_seconds';
      // What had been there before the daemon is no measure of it.
      assert.equal(value(programmed, `${programmed}_count`), 3);
    });

    for (const { what, by } of meddling)
      test(`what is there comes back within seconds when ${what}`, async () => {
        await settled();
        const before = await services.rules();
        assert.notEqual(await services.rules(by), before, 'nothing was broken');
        const ms = await services.untilRules(before);
        console.log(`# back after ${Math.round(ms)} ms`);
      });

    test('and what others have is left alone, and costs nothing to be read', async () => {
      await settled();
      const before = daemon.lines().length;
      await services.shell(
        `iptables-${variant} -t nat -N OTHERS; iptables-${variant} -t nat -A OTHERS -j RETURN; iptables-${variant} -t nat -N KUBE-MARK-DROP;
         nft add table ip others; nft add chain ip others mine`,
      );
      const theirs = await services.rules();
      await services.add('third', '172.30.9.3', ['10.131.2.7']);
      await services.untilThere('10.131.2.7');
      await services.remove('third');
      await services.untilRules(theirs);
      await settled();
      assert.match(theirs, /^-A OTHERS -j RETURN$/m);
      const messages = daemon
        .lines()
        .slice(before)
        .map(({ message }) => message);
      assert.deepEqual([...new Set(messages)].sort(), ['flows reconciled', 'services reconciled']);
    });

    test('a daemon that starts again with nothing changed writes no rule', async () => {
      await settled();
      await daemon[Symbol.asyncDispose]();
      const before = await services.rules();
      const namespace = `/run/netns/${services.node.ovs.netns}`;
      const generation = readNftGeneration(namespace);
      daemon = await services.node.start();
      await daemon.ready();
      await settled();
      assert.equal(await services.rules(), before);
      assert.equal(readNftGeneration(namespace), generation);
      const reconciled = daemon.lines().filter(({ message }) => /^(services|host rules) reconciled/.test(message));
      assert.deepEqual(reconciled, []);
    });
  });
}
