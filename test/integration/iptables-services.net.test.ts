/** Services in real iptables, both variants: what was applied is what iptables-save prints, and others' rules stay. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { createNamespace, deleteNamespace, type IptablesVariant, iptablesRestore, iptablesSave } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules } from '@tenet/pipeline';
import { IptablesPlanner, type ProxiedPort } from '@tenet/proxy';
import { Ip, Prefix } from '@tenet/std';
import { endpointAt, ZOO_NODE, zooPort, zooPorts } from '../../packages/proxy/testing/port-zoo.ts';
import { NODE, rulesIn } from './host-rules-fixture.ts';
import { sweep } from './sweep.ts';

const PREFIX = 'tenet-iptables-services';
const KEY = 'logging/logging-es:';
const DEADLINE_MS = 60_000;

sweep(PREFIX);

for (const variant of ['nft', 'legacy'] as const) {
  describe(`iptables-${variant}`, () => {
    test('observe() finds the whole zoo as it was applied, and nothing to do', async () => {
      using node = new RealIptables(variant);
      const { planner } = await node.synced(zooPorts());
      assert.equal(planner.observe(await node.save()), true);
      const other = new IptablesPlanner({ node: ZOO_NODE });
      other.observe(await node.save());
      assert.deepEqual(other.plan(zooPorts()), []);
    });

    test('observe() finds the zoo when node ports are open at some addresses only', async () => {
      using node = new RealIptables(variant);
      const nodePortAddresses = ['10.122.70.0/24', '192.0.2.1/32', '126.0.0.0/7'].map((text) => Prefix.parse(text));
      const planner = new IptablesPlanner({ node: { ...ZOO_NODE, nodePortAddresses } });
      planner.observe('');
      await node.sync(planner, zooPorts());
      assert.equal(planner.observe(await node.save()), true);
    });

    test('observe() finds every number of endpoints as it was applied', async () => {
      using node = new RealIptables(variant);
      const { planner } = await node.synced(
        new Map(Array.from({ length: 64 }, (_, at) => generated(at, { endpoints: at * at < 1000 ? at : at * 3 }))),
      );
      assert.equal(planner.observe(await node.save()), true);
    });

    test('plan() reaches each of a row of states, one service at a time, and observe() agrees', async () => {
      using node = new RealIptables(variant);
      const { planner } = await node.synced(new Map());
      const ports = new Map<string, ProxiedPort>();
      // Each service is given to one name after another, so that chains come, change and go.
      const zoo = [...zooPorts().values()];
      for (const [at, port] of [...zoo, ...zoo.toReversed()].entries()) {
        const key = `zoo/s${at % 3}:`;
        ports.set(key, { ...port, service: `s${at % 3}`, portName: '' });
        if (at % 5 === 4) ports.delete(`zoo/s${(at + 1) % 3}:`);
        assert.ok((await node.sync(planner, ports)).length <= 1);
        assert.equal(planner.observe(await node.save()), true, `after ${port.service}`);
      }
    });

    test("plan() touches one service's chains alone, and counters of all others go on", async () => {
      using node = new RealIptables(variant);
      const ports = zooPorts().set(KEY, zooPort());
      const { planner } = await node.synced(ports);
      const kept = '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000';
      const entry = rulesIn(await node.save()).find(
        (line) => line.includes('"zoo/udp cluster IP" -m udp') && line.startsWith('-A KUBE-SERVICES'),
      );
      assert.ok(entry);
      node.run(
        `iptables-${variant}-restore --noflush --counters`,
        `*nat\n:KUBE-MARK-MASQ - [0:0]\n[7:700] ${kept}\n-D${entry.slice(2)}\n[8:800] -I${entry.slice(2)}\nCOMMIT\n`,
      );
      const before = rulesByChain(await node.save());
      const grown = { ...zooPort(), clusterEndpoints: [endpointAt('10.128.0.7:80'), endpointAt('10.131.2.45:9200')] };
      const texts = await node.sync(planner, ports.set(KEY, grown));
      const counted = await node.save(true);
      assert.ok(counted.includes(`[7:700] ${kept}`) && counted.includes(`[8:800] ${entry}`));
      assert.equal(texts.length, 1);
      const after = rulesByChain(await node.save());
      const changed = [...after].filter(([chain, rules]) => before.get(chain) !== rules).map(([chain]) => chain);
      assert.deepEqual(changed.toSorted(), ['nat KUBE-SEP-N4TVBTQEN2C7YNF7', 'nat KUBE-SVC-BWSQUABZDDFLJOKN']);
      assert.deepEqual(
        [...before.keys()].filter((chain) => !after.has(chain)),
        [],
      );
    });

    test('clients of a service with affinity are remembered when other services and its own endpoints change', async () => {
      using node = new RealIptables(variant);
      const port = zooPort({ affinitySeconds: 100 });
      const ports = new Map([[KEY, port]]);
      const { planner } = await node.synced(ports);
      const list = '/proc/net/xt_recent/KUBE-SEP-H2SZLG7QT6WVYISM';
      node.run(`echo +192.0.2.50 > ${list}`);
      ports.set(KEY, { ...port, clusterEndpoints: [endpointAt('10.128.0.7:80'), ...port.clusterEndpoints] });
      ports.set(...generated(1, { endpoints: 2 }));
      await node.sync(planner, ports);
      assert.match(node.run(`cat ${list}`), /^src=192\.0\.2\.50 /);
    });

    test('what others deleted, flushed and added comes right, and what is theirs stays as it is', async () => {
      using node = new RealIptables(variant);
      const { planner } = await node.synced(zooPorts().set(KEY, zooPort()));
      const whole = ours(await node.save());
      await node.restore(
        [
          '*nat',
          ':KUBE-SVC-BWSQUABZDDFLJOKN - [0:0]',
          ':KUBE-MARK-MASQ - [0:0]',
          ':KUBE-SVC-STRANGESTRANGE00 - [0:0]',
          ':OTHERS - [0:0]',
          '-A KUBE-SVC-STRANGESTRANGE00 -j KUBE-SEP-H2SZLG7QT6WVYISM',
          '-A KUBE-SERVICES -m limit --limit 5/min -m comment --comment "it is \\"odd\\"" -j RETURN',
          '-A KUBE-SERVICES -p tcp -m multiport --dports 80,443 -m mark ! --mark 0x1/0x1 -j ACCEPT',
          '-I KUBE-SERVICES -j KUBE-SVC-STRANGESTRANGE00',
          '-A OTHERS -s 192.0.2.1/32 -j RETURN',
          '-A PREROUTING -j OTHERS',
          'COMMIT',
          '*filter',
          ':KUBE-FIREWALL - [0:0]',
          '-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP',
          '-A KUBE-SERVICES -m conntrack --ctstate NEW,RELATED -m recent --rcheck --name odd -j DROP',
          '-I FORWARD -j KUBE-FIREWALL',
          'COMMIT',
          '',
        ].join('\n'),
      );
      const theirs = others(await node.save());
      assert.equal(planner.observe(await node.save()), false);
      assert.equal((await node.sync(planner, zooPorts().set(KEY, zooPort()))).length, 1);
      const now = await node.save();
      assert.deepEqual(ours(now), whole);
      assert.deepEqual(others(now), theirs);
      assert.equal(planner.observe(now), true);
    });

    test('a first sync of 1,000 services comes in pieces, half of them go again, and nothing is left over', async () => {
      using node = new RealIptables(variant);
      const all = new Map(Array.from({ length: 1000 }, (_, at) => generated(at, { endpoints: 2 })));
      const { planner, texts } = await node.synced(all);
      assert.equal(texts.length, 5);
      assert.equal(planner.observe(await node.save()), true);
      await node.sync(planner, new Map([...all].slice(500)));
      assert.equal(planner.observe(await node.save()), true);
      assert.equal((await node.save()).match(/^:KUBE-SVC-/gm)?.length, 500);
    });

    test("planRemoval() takes all that is ours and the host's calls of it, and leaves what others have", async () => {
      using node = new RealIptables(variant);
      const { planner } = await node.synced(zooPorts());
      await node.restore(
        [
          '*nat',
          ':OTHERS - [0:0]',
          ':KUBE-KUBELET-CANARY - [0:0]',
          '-A OTHERS -s 192.0.2.1/32 -j RETURN',
          '-A PREROUTING -m comment --comment "not -j KUBE-SERVICES" -j OTHERS',
          'COMMIT',
          '',
        ].join('\n'),
      );
      const host = hostRules(NODE, { serviceChains: true });
      await node.restore(planRestore(host, parseIptablesSave(await node.save())) ?? '');
      planner.observe(await node.save());
      for (let piece = planner.planRemoval(); piece !== undefined; piece = planner.planRemoval()) {
        await node.restore(piece.text);
        planner.applied(piece);
      }
      const now = await node.save();
      const words = now.split('\n').filter((line) => line.includes('KUBE-') && !line.startsWith('#'));
      assert.deepEqual(
        words.map((line) => line.replace(/ \[.*/, '')),
        [':KUBE-KUBELET-CANARY -', '-A PREROUTING -m comment --comment "not -j KUBE-SERVICES" -j OTHERS'],
      );
      assert.equal(planRestore(hostRules(NODE), parseIptablesSave(now)), undefined);
      assert.equal(planner.observe(now), true);
    });
  });
}

/** A namespace's rules in one variant. */
class RealIptables {
  static #made = 0;
  readonly #variant: IptablesVariant;
  readonly #name: string;

  constructor(variant: IptablesVariant) {
    this.#variant = variant;
    this.#name = `${PREFIX}-${process.pid}-${variant}-${RealIptables.#made++}`;
    createNamespace(this.#path);
  }

  [Symbol.dispose](): void {
    deleteNamespace(this.#path);
  }

  get #path(): string {
    return `/run/netns/${this.#name}`;
  }

  async save(counters = false): Promise<string> {
    const where = { variant: this.#variant, namespace: this.#path, deadlineMs: DEADLINE_MS };
    return await iptablesSave({ ...where, counters });
  }

  async restore(text: string): Promise<void> {
    const where = { variant: this.#variant, namespace: this.#path, deadlineMs: DEADLINE_MS };
    await iptablesRestore(text, { ...where, noflush: true });
  }

  /** Plans and applies all pieces, and gives them back. */
  async sync(planner: IptablesPlanner, ports: ReadonlyMap<string, ProxiedPort>): Promise<readonly string[]> {
    const pieces = planner.plan(ports);
    for (const piece of pieces) {
      await this.restore(piece.text);
      planner.applied(piece);
    }
    return pieces.map(({ text }) => text);
  }

  /** The same by a planner that knows the namespace as it is. */
  async synced(ports: ReadonlyMap<string, ProxiedPort>) {
    const planner = new IptablesPlanner({ node: ZOO_NODE });
    planner.observe(await this.save());
    const texts = await this.sync(planner, ports);
    return { planner, texts };
  }

  run(command: string, input = ''): string {
    const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', this.#name, 'sh', '-c', command], {
      input,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${command}: ${stderr}`);
    return stdout;
  }
}

/** A service of a number, with that many endpoints. */
function generated(at: number, { endpoints }: { readonly endpoints: number }): [key: string, port: ProxiedPort] {
  const port = zooPort({
    namespace: 'many',
    service: `s${at}`,
    clusterIp: Ip.parse('172.30.0.1').plus(at),
    clusterEndpoints: Array.from({ length: endpoints }, (_, which) => ({
      ip: Ip.parse('10.128.0.2').plus(at * 256 + which),
      port: 8080,
    })),
    hasEndpointsSomewhere: endpoints > 0,
  });
  return [`many/s${at}:`, port];
}

/** Each chain of ours with its rules, where order means nothing in any order. */
function rulesByChain(saved: string): Map<string, string> {
  const chains = new Map<string, string[]>();
  let table = '';
  for (const line of rulesIn(saved)) {
    const [first = '', name = ''] = line.split(' ');
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':')) chains.set(`${table} ${first.slice(1)}`, []);
    else if (first === '-A') chains.get(`${table} ${name}`)?.push(line);
  }
  return new Map(
    [...chains].map(([chain, rules]) => [
      chain,
      (/ KUBE-(SVC|SVL|SEP|EXT|FW)-/.test(chain) ? rules : rules.toSorted()).join('\n'),
    ]),
  );
}

function ours(saved: string): [string, string][] {
  return [...rulesByChain(saved)].filter(([chain]) => isOurs(chain)).toSorted();
}

function others(saved: string): [string, string][] {
  return [...rulesByChain(saved)].filter(([chain]) => !isOurs(chain)).toSorted();
}

function isOurs(chain: string): boolean {
  return chain.includes(' KUBE-') && !chain.endsWith(' KUBE-FIREWALL');
}
