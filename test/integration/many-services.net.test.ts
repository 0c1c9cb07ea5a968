/** With many services others' changes of single chains are found and mended without reading all rules, on real iptables. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { iptablesList, iptablesRestore, iptablesSave, NftNews, readLegacySizes, readRulesVersion } from '@tenet/host';
import { hostRules } from '@tenet/pipeline';
import { IptablesPlanner, type ProxiedPort } from '@tenet/proxy';
import { Ip } from '@tenet/std';
import { InstalledRules } from '../../packages/agent/src/host/installed-rules.ts';
import { iptablesAccess } from '../../packages/agent/src/services/iptables-access.ts';
import { KeptRules } from '../../packages/agent/src/services/kept-rules.ts';
import { NODE, temporaryNamespace } from './host-rules-fixture.ts';
import { within } from './node-and-pod.ts';

const SERVICES = 1_000;
const signal = AbortSignal.timeout(300_000);

/** One service in numbers, with two endpoints. */
function port(at: number): ProxiedPort {
  const clusterEndpoints = ['10.129.0.0', '10.130.0.0'].map((ip) => ({ ip: Ip.parse(ip).plus(at), port: 8080 }));
  return {
    ...{ namespace: 'many', service: `s${at}`, portName: '', protocol: 'tcp', port: 80 },
    clusterIp: Ip.parse('172.30.1.0').plus(at),
    ...{ externalIps: [], loadBalancerIps: [], sourceRanges: [] },
    ...{ internalTrafficPolicy: 'Cluster', externalTrafficPolicy: 'Cluster' },
    ...{ clusterEndpoints, localEndpoints: [], hasEndpointsSomewhere: true },
  };
}

describe(`${SERVICES} services in iptables-nft`, () => {
  const ports = new Map(Array.from({ length: SERVICES }, (_, at) => [`many/s${at}:`, port(at)] as const));
  const place = temporaryNamespace('many');
  const { name, namespace } = place;
  const scope = { ...NODE, name: 'n1', nodePortAddresses: [] };
  let wholeReadings = 0;
  let foreign = 0;
  let rules: InstalledRules;
  let kept: KeptRules;

  before(async () => {
    rules = new InstalledRules({
      variant: 'nft',
      desired: hostRules(NODE, { serviceChains: true }),
      nowMs: () => performance.now(),
      netfilter: {
        iptablesList: (options) => iptablesList({ ...options, namespace }),
        iptablesSave: (options) => {
          wholeReadings += 1;
          return iptablesSave({ ...options, namespace });
        },
        iptablesRestore: (text, options) => iptablesRestore(text, { ...options, namespace }),
        readRulesVersion: (of) => readRulesVersion({ ...of, namespace }),
        readLegacySizes: () => readLegacySizes(namespace),
        hearOfRules: () => NftNews.open(namespace),
      },
    });
    kept = new KeptRules({
      access: iptablesAccess(rules),
      planner: new IptablesPlanner({ node: scope }),
      nowMs: () => performance.now(),
      onForeign: () => {
        foreign += 1;
      },
    });
    const { pieces } = await kept.keep(ports, signal);
    assert.ok(pieces >= SERVICES / 250);
    // With all of them there: from now on it is known that they are many.
    await rules.turn(async (turn) => void (await turn.readWhole(signal)));
    assert.equal(kept.isKept(ports), true);
    assert.equal(rules.areMany, true);
  });
  after(() => {
    kept?.[Symbol.dispose]();
    rules?.[Symbol.dispose]();
    place[Symbol.dispose]();
  });

  /** The lines of the table nat, without comments and counters. */
  async function saved(): Promise<string[]> {
    const text = await iptablesSave({ namespace, table: 'nat' });
    return text
      .split('\n')
      .flatMap((line) => (line.startsWith('#') ? [] : [line.replace(/ \[\d+:\d+\]$/, '')]))
      .sort();
  }

  function run(script: string): string {
    const { status, stdout, stderr } = within(name, 'sh', '-ec', script);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  const N = 'iptables-nft -t nat';
  const MEDDLING: readonly (readonly [what: string, by: string])[] = [
    ['a rule is added to the mark', `${N} -A KUBE-MARK-MASQ -j RETURN`],
    ['a rule is added before all services', `${N} -I KUBE-SERVICES -s 192.0.2.1 -j RETURN`],
    ['the chain of a service is flushed', `${N} -F $(${N} -S KUBE-SERVICES | grep -m1 -o 'KUBE-SVC-.*')`],
    ['several chains are changed', `${N} -R KUBE-MARK-MASQ 1 -j RETURN; ${N} -A KUBE-POSTROUTING -j RETURN`],
    ['the place of one service is taken away', `${N} -D KUBE-SERVICES 1`],
    ['a chain is added that looks like that of a service', `${N} -N KUBE-SVC-AAAAAAAAAAAAAAAA`],
  ];
  for (const [what, by] of MEDDLING)
    test(`keep() mends without reading all when ${what}`, async () => {
      const before = await saved();
      const [readings, changes] = [wholeReadings, foreign];
      run(by);
      assert.notDeepEqual(await saved(), before, 'nothing was broken');
      assert.equal(kept.isKept(ports), false);
      const { pieces } = await kept.keep(ports, signal);
      assert.equal(pieces, 1);
      assert.deepEqual(await saved(), before);
      assert.deepEqual([wholeReadings, foreign], [readings, changes + 1]);
      assert.equal(kept.isKept(ports), true);
    });

  test('keep() reads nothing when others have changed what is theirs', async () => {
    run(`${N} -N OTHERS; ${N} -A OTHERS -j RETURN; iptables-nft -A FORWARD -j ACCEPT; nft add table ip others`);
    assert.equal(kept.isKept(ports), true);
  });

  test('keep() reads all when a table was flushed, and brings everything back', async () => {
    const before = await saved();
    const readings = wholeReadings;
    run(`${N} -F; ${N} -X`);
    assert.equal(kept.isKept(ports), false);
    await kept.keep(ports, signal);
    assert.equal(wholeReadings, readings + 1);
    assert.deepEqual(
      await saved(),
      before.filter((line) => !line.includes('OTHERS')),
    );
  });
});
