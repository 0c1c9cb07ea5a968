/** What somebody breaks by hand on a running node is whole again within two seconds, and what they add is gone. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Ip } from '@tenet/std';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

/** What users are promised, and what a machine that is busy with other tests may take. */
const PROMISED_MS = 2_000;
const DEADLINE_MS = 4 * PROMISED_MS;

interface Pod {
  readonly netns: string;
  readonly containerId: string;
  readonly ip: string;
  readonly veth: string;
}

describe('a node mends', () => {
  let node: PrivateNode;
  let daemon: Daemon;
  let one: Pod;
  let other: Pod;

  before(async () => {
    node = await privateNode();
    await node.kube.create('NetNamespace', { metadata: { name: 'beta' }, netname: 'beta', netid: 0x777 });
    daemon = await node.start();
    await daemon.ready();
    [one, other] = [await pod(), await pod()];
    await reaches();
  });
  after(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
  });

  async function pod(): Promise<Pod> {
    const box = node.sandbox();
    const { status, json } = await node.cni({ pod: 'alpha/web', ...box });
    assert.equal(status, 0, JSON.stringify(json));
    return { ...box, ip: json.ips[0].address.split('/')[0], veth: json.interfaces[0].name };
  }

  /** One pod pings the other, once. */
  async function reaches(): Promise<void> {
    await run('nsenter', [`--net=${one.netns}`, 'ping', '-c1', '-W1', other.ip]);
  }

  const state = async () => ({
    ...(await node.footprint()),
    addresses: node.netlink.addresses().map(({ link, address, prefixLength }) => `${link} ${address}/${prefixLength}`),
    routes: node.netlink.routes({ family: 4, table: 254 }).map(({ link, destination }) => `${link} ${destination}`),
    up: node.netlink
      .links()
      .filter(({ up }) => up)
      .map(({ name }) => name),
    owners: await node.ovs.vsctl('--columns=name,external_ids,ofport,ofport_request', 'list', 'Interface'),
  });
  /** A line a fact, without order, which rows and links have by their age. */
  const text = async () =>
    JSON.stringify(await state())
      .split(/,|\\n/)
      .map((fact) =>
        fact
          .replaceAll(/[[\]{}"\\]/g, '')
          .replace(/^owners:/, '')
          .trim(),
      )
      .sort()
      .join('\n');

  /** Breaks something, and asserts that all is as before in time, without any call, and that pods talk. */
  async function mended(breakIt: () => Promise<unknown> | unknown): Promise<void> {
    const before = await text();
    await breakIt();
    const brokenMs = performance.now();
    let seen = '';
    await until(
      async () => {
        seen = await text();
        return seen === before ? true : undefined;
      },
      'the node is as before',
      DEADLINE_MS,
    ).catch((error) => assert.equal(seen, before, String(error)));
    console.log(`# whole after ${Math.round(performance.now() - brokenMs)} ms`);
    await reaches();
  }

  const BROKEN: readonly { readonly name: string; readonly by: () => Promise<unknown> | unknown }[] = [
    { name: "a pod's port that was deleted", by: () => node.ovs.vsctl('del-port', 'br0', one.veth) },
    { name: 'the ports of both pods', by: () => node.ovs.vsctl('del-port', one.veth, '--', 'del-port', other.veth) },
    {
      name: "a pod's port whose external_ids were cleared",
      by: () => node.ovs.vsctl('clear', 'Interface', one.veth, 'external_ids'),
    },
    ...['pod-namespace=beta', 'ip=10.131.2.5', 'sandbox=other', 'netns=/run/netns/other', 'pod-uid=other'].map(
      (id) => ({
        name: `a pod's port that was given ${id}`,
        by: () => node.ovs.vsctl('set', 'Interface', one.veth, `external_ids:${id}`),
      }),
    ),
    {
      name: "a port that somebody added and gave a pod's external_ids",
      async by() {
        const ids = await node.ovs.vsctl('get', 'Interface', one.veth, 'external_ids');
        const claim = ['set', 'Interface', 'twin', 'type=internal', `external_ids=${ids.trim()}`];
        await node.ovs.vsctl('add-port', 'br0', 'twin', '--', ...claim);
      },
    },
    { name: 'tun0 that was deleted', by: () => node.ovs.vsctl('del-port', 'br0', 'tun0') },
    { name: 'vxlan0 that was deleted', by: () => node.ovs.vsctl('del-port', 'br0', 'vxlan0') },
    { name: 'br0 that was deleted with everything on it', by: () => node.ovs.vsctl('del-br', 'br0') },
    { name: 'tun0 that was set down', by: () => node.netlink.changeLink('tun0', { up: false }) },
    { name: "a pod's veth that was set down", by: () => node.netlink.changeLink(one.veth, { up: false }) },
    {
      name: "tun0's address that was removed and another that was added",
      by() {
        node.netlink.deleteAddress({ link: 'tun0', address: Ip.parse('10.131.2.1'), prefixLength: 29 });
        node.netlink.addAddress({ link: 'tun0', address: Ip.parse('10.131.2.6'), prefixLength: 29 });
      },
    },
    { name: 'all flows', by: () => run('ovs-ofctl', ['-OOpenFlow14', 'del-flows', node.ovs.mgmt('br0')]) },
    {
      name: 'a port that somebody added',
      by: () => node.ovs.vsctl('add-port', 'br0', 'stranger', '--', 'set', 'Interface', 'stranger', 'type=internal'),
    },
  ];
  for (const { name, by } of BROKEN) test(name, () => mended(by));

  test('flows within a blink, since the switch tells of them, and says that others change them', async () => {
    const before = (await node.flows()).join('\n');
    const startMs = performance.now();
    await run('ovs-ofctl', ['-OOpenFlow14', 'add-flow', node.ovs.mgmt('br0'), 'table=0,priority=65000,actions=NORMAL']);
    await until(async () => ((await node.flows()).join('\n') === before ? true : undefined), 'the flow is gone');
    console.log(`# gone after ${Math.round(performance.now() - startMs)} ms`);
    const told = daemon.lines().filter(({ message }) => message === 'flows changed by others');
    assert.deepEqual(
      told.slice(-1).map(({ level, added, table }) => ({ level, added, table })),
      [{ level: 'warn', added: 1, table: 0 }],
    );
  });

  test('but leaves a port alone that a mirror sends to, until the mirror is gone', async () => {
    const { vsctl } = node.ovs;
    const ports = async () => (await vsctl('list-ports', 'br0')).split('\n').filter(Boolean);
    const before = await ports();
    await vsctl('add-port', 'br0', 'looker', '--', 'set', 'Interface', 'looker', 'type=internal');
    const mirror = ['--id=@m', 'create', 'Mirror', 'name=look', 'select_all=true', 'output_port=@p'];
    await vsctl(
      '--',
      '--id=@p',
      'get',
      'Port',
      'looker',
      '--',
      ...mirror,
      '--',
      'add',
      'Bridge',
      'br0',
      'mirrors',
      '@m',
    );
    // Longer than a stranger may stay: two passes that removed one have gone by.
    await vsctl('add-port', 'br0', 'stranger', '--', 'set', 'Interface', 'stranger', 'type=internal');
    await until(async () => ((await ports()).includes('stranger') ? undefined : true), 'the stranger is gone');
    assert.deepEqual((await ports()).sort(), [...before, 'looker'].sort());
    await vsctl('clear', 'Bridge', 'br0', 'mirrors');
    await until(async () => ((await ports()).includes('looker') ? undefined : true), 'the looker is gone');
  });

  test('and with nothing broken changes nothing: no log line, no configuration, no generation of the rules', async () => {
    const ruleset = async () =>
      (await run('nsenter', [`--net=/run/netns/${node.ovs.netns}`, 'nft', '-j', 'list', 'ruleset'])).stdout;
    // Counters change with each packet.
    const rules = async () => (await ruleset()).replaceAll(/"(packets|bytes)": \d+/g, '');
    const before = { lines: daemon.lines().length, state: await text(), rules: await rules() };
    const configured = await node.ovs.vsctl('get', 'Open_vSwitch', '.', 'next_cfg');
    const durationMs = 5_000;
    const startMs = performance.now();
    await until(() => (performance.now() - startMs > durationMs ? true : undefined), 'five passes', 2 * durationMs);
    assert.deepEqual(daemon.lines().slice(before.lines), []);
    assert.equal(await text(), before.state);
    assert.equal(await rules(), before.rules);
    assert.equal(await node.ovs.vsctl('get', 'Open_vSwitch', '.', 'next_cfg'), configured);
  });
});
