/** Services of the API on a real Open vSwitch: who gets past table 60, and what it takes to change that. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ServiceObject } from '@tenet/model';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const [ALPHA, BETA] = [0x5a2, 0x5a3];
const [WEB, OTHERS, GLOBAL] = ['172.30.0.10', '172.30.0.20', '172.30.0.1'];
const ELSEWHERE = '172.30.0.99';

/** The flows of table 60 without those that every node has, without cookies. */
const TABLE_60 = /^cookie=0x4[0-9a-f]{14}, .*table=60, /;

describe('table 60', () => {
  let node: PrivateNode;
  let daemon: Daemon;
  /** The OpenFlow port of a pod of alpha at 10.131.2.4. */
  let podPort: string;

  before(async () => {
    node = await privateNode();
    for (const [netname, netid] of [
      ['beta', BETA],
      ['default', 0],
    ] as const)
      await node.kube.create('NetNamespace', { metadata: { name: netname }, netname, netid });
    for (const name of ['alpha', 'beta', 'gamma'])
      await node.kube.create('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    daemon = await node.start();
    await daemon.ready();
    const { netns, containerId } = node.sandbox();
    const { status, json } = await node.cni({ pod: 'alpha/client', netns, containerId, ips: ['10.131.2.4'] });
    assert.equal(status, 0, JSON.stringify(json));
    const port = (await node.flows()).find((flow) => flow.includes('nw_src=10.131.2.4') && flow.includes('table=20'));
    podPort = /in_port=([^,]+)/.exec(port ?? '')?.[1] ?? assert.fail(`no port in ${port}`);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  const create = (key: string, spec: ServiceObject['spec'], labels: Readonly<Record<string, string>> = {}) => {
    const [namespace = '', name = ''] = key.split('/');
    return node.kube.create('Service', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name, labels },
      spec,
    });
  };
  const remove = (key: string) => {
    const [namespace = '', name = ''] = key.split('/');
    return node.kube.delete('Service', { namespace, name });
  };
  const table60 = async () =>
    (await node.flows()).filter((flow) => TABLE_60.test(flow)).map((flow) => flow.replace(/^.*table=60, /, ''));
  const hasFlows = (address: string, count: number) =>
    until(
      async () =>
        (await table60()).filter((flow) => flow.includes(`nw_dst=${address},`) || flow.includes(`nw_dst=${address} `))
          .length === count
          ? true
          : undefined,
      `${count} flows for ${address}`,
    );

  /** Where br0 sends a packet of the pod of alpha: a port, or why not. */
  async function fate(packet: string): Promise<string> {
    const flow = `in_port=${podPort},${packet},dl_src=0a:58:0a:83:02:04,dl_dst=0a:58:0a:83:02:01,nw_src=10.131.2.4,nw_ttl=64`;
    const trace = await node.ovs.appctl('ofproto/trace', 'br0', flow);
    const port = /output port is (\d+)/.exec(trace)?.[1];
    const [, table] = [...trace.matchAll(/^\s*(\d+)\. /gm)].at(-1) ?? [];
    const dropClass = /cookie 0xdd0*([0-9a-f]+)/.exec(trace)?.[1];
    return port === undefined ? `drop ${Number.parseInt(dropClass ?? '', 16)} in ${table}` : `port ${port}`;
  }

  test('has a flow for each port of a service, one for fragments and one for errors, and none for what has no address', async () => {
    await create('alpha/headless', { clusterIP: 'None', ports: [{ port: 80 }] });
    // Whoever forwards it: packets must reach the host.
    await create(
      'default/elsewhere',
      { clusterIP: ELSEWHERE, ports: [{ port: 80 }] },
      { 'service.kubernetes.io/service-proxy-name': 'other' },
    );
    await create('beta/others', { clusterIP: OTHERS, ports: [{ port: 80 }] });
    await create('default/kubernetes', { clusterIP: GLOBAL, ports: [{ port: 443 }] });
    await create('alpha/web', {
      clusterIP: WEB,
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'sig', port: 2905, protocol: 'SCTP' },
      ],
    });
    await hasFlows(WEB, 5);
    await hasFlows(ELSEWHERE, 3);
    await hasFlows(OTHERS, 3);
    await hasFlows(GLOBAL, 3);
    const to = (vnid: string) => `actions=load:${vnid}->NXM_NX_REG1[],load:0x2->NXM_NX_REG2[],goto_table:80`;
    assert.deepEqual(
      (await table60()).sort(),
      [
        ...[
          'icmp,nw_dst=@,icmp_type=3',
          'ip,nw_dst=@,nw_frag=later',
          'sctp,nw_dst=@,tp_dst=2905',
          'tcp,nw_dst=@,tp_dst=80',
          'udp,nw_dst=@,tp_dst=53',
        ].map((match) => `priority=100,${match.replace('@', WEB)} ${to('0x5a2')}`),
        ...['icmp,nw_dst=@,icmp_type=3', 'ip,nw_dst=@,nw_frag=later', 'tcp,nw_dst=@,tp_dst=80'].flatMap((match) => [
          `priority=100,${match.replace('@', ELSEWHERE)} ${to('0')}`,
          `priority=100,${match.replace('@', OTHERS)} ${to('0x5a3')}`,
        ]),
        ...['icmp,nw_dst=@,icmp_type=3', 'ip,nw_dst=@,nw_frag=later', 'tcp,nw_dst=@,tp_dst=443'].map(
          (match) => `priority=100,${match.replace('@', GLOBAL)} ${to('0')}`,
        ),
      ].sort(),
    );
  });

  // biome-ignore format: a packet a line
  const FATES: readonly { readonly what: string; readonly packet: string; readonly is: string }[] = [
    { what: 'of another project', packet: `tcp,nw_dst=${OTHERS},tcp_dst=80`, is: 'drop 26 in 80' },
    { what: 'of another project, in a later fragment', packet: `udp,nw_dst=${OTHERS},nw_frag=later`, is: 'drop 26 in 80' },
    { what: 'that nobody has', packet: 'tcp,nw_dst=172.30.0.11,tcp_dst=80', is: 'drop 23 in 60' },
    { what: 'of its project, at another port', packet: `tcp,nw_dst=${WEB},tcp_dst=81`, is: 'drop 23 in 60' },
    { what: 'of its project, at a port of another protocol', packet: `udp,nw_dst=${WEB},udp_dst=80`, is: 'drop 23 in 60' },
    { what: 'of its project, by ping', packet: `icmp,nw_dst=${WEB},icmp_type=8`, is: 'drop 23 in 60' },
    { what: 'of its project', packet: `tcp,nw_dst=${WEB},tcp_dst=80`, is: 'port 2' },
    { what: 'of its project over UDP', packet: `udp,nw_dst=${WEB},udp_dst=53`, is: 'port 2' },
    { what: 'of its project over SCTP', packet: `sctp,nw_dst=${WEB},sctp_dst=2905`, is: 'port 2' },
    { what: 'of its project, in a first fragment', packet: `udp,nw_dst=${WEB},udp_dst=53,nw_frag=first`, is: 'port 2' },
    { what: 'of its project, in a later fragment', packet: `udp,nw_dst=${WEB},nw_frag=later`, is: 'port 2' },
    { what: 'of its project, with an ICMP error', packet: `icmp,nw_dst=${WEB},icmp_type=3,icmp_code=4`, is: 'port 2' },
    { what: 'of a global project that another proxy forwards', packet: `tcp,nw_dst=${ELSEWHERE},tcp_dst=80`, is: 'port 2' },
    { what: 'of a global project', packet: `tcp,nw_dst=${GLOBAL},tcp_dst=443`, is: 'port 2' },
  ];
  for (const { what, packet, is } of FATES) {
    test(`a pod that sends to a service ${what} gets to ${is}`, async () => assert.equal(await fate(packet), is));
  }

  test('a project that gets another number takes its pods and services with it in one bundle', async () => {
    const bundles = () => daemon.lines().filter(({ message }) => message === 'flows reconciled');
    const count = bundles().length;
    await node.kube.patch('NetNamespace', { name: 'alpha' }, { netid: 0x777 });
    const [bundle] = await until(() => (bundles().length > count ? bundles().slice(count) : undefined), 'a bundle');
    const moved = (await table60()).filter((flow) => flow.includes('load:0x777->'));
    assert.equal(moved.length, 5);
    // Five of the service; of the pod those that load the number, and the pair of the project: what the bundle says.
    assert.deepEqual([bundle?.added, bundle?.removed], [5 + 6 + 1, 1]);
    assert.equal(await fate(`tcp,nw_dst=${WEB},tcp_dst=80`), 'port 2');
    await node.kube.patch('NetNamespace', { name: 'alpha' }, { netid: ALPHA });
    await until(() => (bundles().length > count + 1 ? true : undefined), 'another bundle');
    assert.equal(bundles().length, count + 2);
  });

  test('a project joined to another reaches its services, and no longer when it is isolated again', async () => {
    await node.kube.patch('NetNamespace', { name: 'beta' }, { netid: ALPHA });
    await until(
      async () => ((await fate(`tcp,nw_dst=${OTHERS},tcp_dst=80`)) === 'port 2' ? true : undefined),
      'joined',
    );
    await node.kube.patch('NetNamespace', { name: 'beta' }, { netid: BETA });
    await until(
      async () => ((await fate(`tcp,nw_dst=${OTHERS},tcp_dst=80`)) === 'drop 26 in 80' ? true : undefined),
      'isolated',
    );
  });

  test('a service follows its ports, and its flows go with it', async () => {
    await node.kube.patch(
      'Service',
      { namespace: 'alpha', name: 'web' },
      { spec: { ports: [{ name: 'alt', port: 8080, protocol: 'TCP' }] } },
    );
    await hasFlows(WEB, 3);
    assert.equal(await fate(`tcp,nw_dst=${WEB},tcp_dst=8080`), 'port 2');
    assert.equal(await fate(`tcp,nw_dst=${WEB},tcp_dst=80`), 'drop 23 in 60');
    await remove('alpha/web');
    await hasFlows(WEB, 0);
    assert.equal(await fate(`tcp,nw_dst=${WEB},tcp_dst=8080`), 'drop 23 in 60');
  });

  test('a service of a project without a number has no flows until there is one', async () => {
    await create('gamma/web', { clusterIP: '172.30.0.30', ports: [{ port: 80 }] });
    await create('beta/marker', { clusterIP: '172.30.0.31', ports: [{ port: 80 }] });
    await hasFlows('172.30.0.31', 3);
    await hasFlows('172.30.0.30', 0);
    await node.kube.create('NetNamespace', { metadata: { name: 'gamma' }, netname: 'gamma', netid: 0x999 });
    await hasFlows('172.30.0.30', 3);
    await node.kube.delete('NetNamespace', { name: 'gamma' });
    await hasFlows('172.30.0.30', 0);
  });

  test('a daemon that starts again changes nothing', async () => {
    const there = await node.flows();
    await daemon[Symbol.asyncDispose]();
    daemon = await node.start();
    await daemon.ready();
    assert.deepEqual(await node.flows(), there);
    assert.deepEqual(
      daemon.lines().filter(({ message }) => message === 'flows reconciled'),
      [],
    );
  });
});
