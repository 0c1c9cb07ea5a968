/** The numbers of br0's ports over ten restarts of ovs-vswitchd, on a node whose first pod has the address .2. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connectSwitch } from '@tenet/openflow/connection';
import { Ip } from '@tenet/std';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

/** `.2` and `.1` would ask for the numbers of tun0 and vxlan0, which are not theirs; `.3` and `.5` may have their own. */
const PODS = ['10.131.2.2', '10.131.2.3', '10.131.2.5', '10.131.2.6'];
const RESTARTS = 10;
const NODE_ADDRESS = { link: 'eth0', address: Ip.parse('10.122.70.72'), prefixLength: 24 };

let node: PrivateNode;
let daemon: Daemon;

before(async () => {
  node = await privateNode();
  daemon = await node.start();
  await daemon.ready();
});
after(async () => {
  await daemon[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

describe('br0 on a node whose first pod has the host part 2', () => {
  let wired: readonly PortNumber[];
  let flows: readonly string[];

  before(async () => {
    for (const ip of PODS) {
      const { status, json } = await node.cni({ pod: 'alpha/web', ...node.sandbox(), ips: [ip] });
      assert.equal(status, 0, JSON.stringify(json));
    }
    wired = await portNumbers();
    flows = await node.flows();
  });

  test('has vxlan0 at 1, tun0 at 2, each pod at its host part if that can be, and asks for what it has', () => {
    const at = (owner: string) => wired.find((port) => port.owner === owner);
    assert.deepEqual(at('vxlan0'), { owner: 'vxlan0', ofPort: 1, wanted: 1 });
    assert.deepEqual(at('tun0'), { owner: 'tun0', ofPort: 2, wanted: 2 });
    for (const host of [3, 5, 6])
      assert.deepEqual(at(`10.131.2.${host}`), { owner: `10.131.2.${host}`, ofPort: host, wanted: host });
    const second = at('10.131.2.2');
    assert.ok(second !== undefined && second.ofPort > 6, JSON.stringify(second));
    assert.equal(second.wanted, second.ofPort);
  });

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    test(`keeps every number and every flow when ovs-vswitchd ends by ${signal}, ${RESTARTS / 2} times`, async () => {
      for (let restart = 1; restart <= RESTARTS / 2; restart++) {
        await node.ovs.stopVswitchd(signal);
        await node.ovs.startVswitchd();
        // A bridge of the userspace datapath comes back bare, and the machine's own configuration mends that.
        node.netlink.changeLink('eth0', { up: true });
        node.netlink.addAddress(NODE_ADDRESS);
        assert.deepEqual(await portNumbers(), wired, `after restart ${restart}`);
        await until(async () => ((await sameFlows()) ? true : undefined), `the flows after restart ${restart}`);
        await using connection = await connectSwitch({
          path: node.ovs.mgmt('br0'),
          signal: AbortSignal.timeout(10_000),
        });
        assert.equal(await connection.fragmentMode(), 'nx-match');
        assert.deepEqual(await portNumbers(), wired, `with flows after restart ${restart}`);
      }
    });
  }

  test('gives a freed number to nobody who runs: a pod that goes leaves the others where they are', async () => {
    const { containerId, netns } = node.sandbox();
    const [gone, ...others] = [PODS[1], ...wired.filter(({ owner }) => owner !== PODS[1])];
    const sandbox = await sandboxOf(gone);
    assert.equal((await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: sandbox })).status, 0);
    await node.ovs.stopVswitchd('SIGKILL');
    await node.ovs.startVswitchd();
    assert.deepEqual(await portNumbers(), others);
    const again = await node.cni({ pod: 'alpha/web', netns, containerId, ips: ['10.131.2.3'] });
    assert.equal(again.status, 0, JSON.stringify(again.json));
    assert.deepEqual(await portNumbers(), wired);
  });

  async function sameFlows(): Promise<boolean> {
    return JSON.stringify(await node.flows().catch(() => [])) === JSON.stringify(flows);
  }
});

interface PortNumber {
  /** A pod's address, or the name of the port. */
  readonly owner: string;
  readonly ofPort: number;
  readonly wanted: number;
}

/** Every port of br0 but its own, by owner. */
async function portNumbers(): Promise<PortNumber[]> {
  const columns = '--columns=name,ofport,ofport_request,external_ids';
  const { data } = JSON.parse(await node.ovs.vsctl('--format=json', columns, 'list', 'Interface'));
  const rows: [string, number, number, ['map', [string, string][]]][] = data;
  return rows
    .filter(([name]) => !['br0', 'eth0'].includes(name))
    .map(([name, ofPort, wanted, [, ids]]) => ({ owner: new Map(ids).get('ip') ?? name, ofPort, wanted }))
    .sort((a, b) => (a.owner < b.owner ? -1 : 1));
}

async function sandboxOf(ip: string | undefined): Promise<string> {
  return (await node.ovs.vsctl('--bare', '--columns=external_ids', 'find', 'Interface', `external_ids:ip="${ip}"`))
    .split(' ')
    .flatMap((pair) => /^sandbox=(\w+)/.exec(pair)?.[1] ?? [])
    .join();
}
