/** What Prometheus sees of `tenet node`: drops that are counted for good, calls, connections, and whether it is ready. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { askNodeStatus, type NodeStatus } from '@tenet/agent/status';
import { listenTcp, PacketSocket } from '@tenet/host';
import { DROP_CLASS_NAMES } from '@tenet/pipeline';
import { buildFrame, Ip, Mac } from '@tenet/std';
import { askDaemon } from './ask-daemon.ts';
import { outsideOf } from './outside-link.ts';
import { parseMetrics } from './parse-metrics.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const run = promisify(execFile);

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

async function scrape(): Promise<ReturnType<typeof parseMetrics>> {
  const { status, type, body } = await askDaemon(node, '/metrics');
  assert.equal(status, 200, body);
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  return parseMetrics(body);
}

async function statusJson(): Promise<NodeStatus> {
  return await askNodeStatus(join(node.ovs.directory, 'status.sock'));
}

async function seriesValue(series: string): Promise<number | undefined> {
  const name = series.replace(/\{.*/, '').replace(/_(count|sum|bucket)$/, '');
  const families = await scrape();
  return (families.get(name) ?? families.get(series.replace(/\{.*/, '')))?.series.get(series);
}

const SPOOFED = 'tenet_drops_total{class="spoofed-ip",alarming="true"}';

/** Sends packets from a pod with the address of another. */
function spoof(netns: string, ip: Ip, packets: number): void {
  using socket = PacketSocket.open({ link: 'eth0', namespace: netns });
  const frame = buildFrame({
    ethernet: { source: Mac.fromIpv4(ip), destination: Mac.fromIpv4(Ip.parse('10.131.2.1')) },
    network: {
      kind: 'ipv4',
      header: { source: ip.plus(1), destination: Ip.parse('10.131.2.1'), ttl: 64 },
      transport: { kind: 'udp', header: { sourcePort: 5000, destinationPort: 53 } },
    },
  });
  for (let sent = 0; sent < packets; sent++) socket.send(frame);
}

/** The switch credits counters a while after the packets. */
async function untilSpoofed(packets: number): Promise<void> {
  await until(async () => ((await seriesValue(SPOOFED)) === packets ? true : undefined), `${packets} spoofed packets`);
}

async function wired(): Promise<{ readonly netns: string; readonly containerId: string; readonly ip: Ip }> {
  const box = node.sandbox();
  const { status, json } = await node.cni({ pod: 'alpha/web', ...box });
  assert.equal(status, 0, JSON.stringify(json));
  return { ...box, ip: Ip.parse(json.ips[0].address.split('/')[0]) };
}

describe('/metrics', () => {
  test("keeps the text format, and Prometheus's names", async () => {
    const families = await scrape();
    const ours = [...families].filter(([name]) => name.startsWith('tenet_'));
    assert.ok(ours.length >= 20, `only ${ours.length} metrics of our own`);
    for (const [name, { type, help }] of ours) {
      assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
      assert.doesNotMatch(name, /_(ms|millis|milliseconds|kb)(_|$)/, 'base units only');
      assert.match(help, /^[A-Z0-9`].*\.$/, name);
    }
    assert.ok(families.has('process_resident_memory_bytes'));
  });

  test('has each drop class from the start, so that the first drop is an increase', async () => {
    const classes = [...((await scrape()).get('tenet_drops_total')?.series.keys() ?? [])];
    assert.deepEqual(classes.map((series) => /class="([^"]+)"/.exec(series)?.[1]).sort(), [...DROP_CLASS_NAMES].sort());
  });

  test('counts an attack by its drop class, and goes on when flows are added again and the switch restarts', async () => {
    const pod = await wired();
    assert.equal(await seriesValue(SPOOFED), 0);
    spoof(pod.netns, pod.ip, 5);
    await untilSpoofed(5);
    // The flows go and come back with counters of zero.
    await run('ovs-ofctl', ['-OOpenFlow14', 'del-flows', node.ovs.mgmt('br0')]);
    const attack = 'class=spoofed-ip';
    await until(async () => ((await node.flows()).length > 60 ? true : undefined), `the flows of ${attack} are back`);
    await untilSpoofed(5);
    spoof(pod.netns, pod.ip, 2);
    await untilSpoofed(7);
    await node.ovs.stopVswitchd('SIGKILL');
    assert.equal(await seriesValue(SPOOFED), 7, 'while the switch is gone');
    await node.ovs.startVswitchd();
    await until(
      async () => ((await askDaemon(node, '/healthz')).status === 200 ? true : undefined),
      'the switch is back',
    );
    await until(async () => ((await node.flows()).length > 60 ? true : undefined), 'the flows are back');
    await untilSpoofed(7);
    spoof(pod.netns, pod.ip, 3);
    await untilSpoofed(10);
    await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: pod.containerId });
    assert.equal(await seriesValue(SPOOFED), 10, 'after the pod has gone');
  });

  test("counts what outside forges by the host's guard, and goes on when its rule is added again", async () => {
    using outside = outsideOf(`/run/netns/${node.ovs.netns}`);
    const series = 'tenet_guard_drops_total{guard="outside-forging-pod"}';
    // Counters are read every 10 s at most.
    const untilForged = (packets: number) =>
      until(
        async () => ((await seriesValue(series)) === packets ? true : undefined),
        `${packets} forged packets`,
        60_000,
      );
    await untilForged(0);
    outside.forge(3);
    await untilForged(3);
    const inNode = (...command: readonly string[]) => run('ip', ['netns', 'exec', node.ovs.netns, ...command]);
    const { iptables } = await statusJson();
    await inNode(`iptables-${iptables}`, '-t', 'raw', '-F');
    await until(async () => {
      const { stdout } = await inNode(`iptables-${iptables}-save`, '-t', 'raw');
      return /^-A PREROUTING -j TENET-PREROUTING$/m.test(stdout) ? true : undefined;
    }, 'the guards are back');
    outside.forge(2);
    await untilForged(5);
    const { guards } = await statusJson();
    assert.deepEqual(
      guards.filter(({ packets }) => packets > 0),
      [
        {
          guard: 'outside-forging-pod',
          packets: 5,
          means: "outside forging a pod: table 25 would give it the pod's VNID",
        },
      ],
    );
  });

  test('counts calls by command and code, and nothing by what a caller makes up', async () => {
    const calls = async () => (await scrape()).get('tenet_cni_calls_total')?.series ?? new Map<string, number>();
    const before = await calls();
    const grown = (after: ReadonlyMap<string, number>, labels: string) =>
      (after.get(`tenet_cni_calls_total{${labels}}`) ?? 0) - (before.get(`tenet_cni_calls_total{${labels}}`) ?? 0);
    const pod = await wired();
    await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: pod.containerId });
    await node.cni({ pod: 'alpha/web', ...node.sandbox(), ips: ['10.131.4.4'] });
    await node.cni({ command: 'MOVE', pod: 'alpha/web', ...node.sandbox() });
    const after = await calls();
    assert.equal(grown(after, 'command="ADD",code="0"'), 1);
    assert.equal(grown(after, 'command="DEL",code="0"'), 1);
    assert.equal(grown(after, 'command="ADD",code="11"'), 1);
    assert.equal([...after.keys()].filter((series) => series.includes('MOVE')).length, 0);
  });

  test('tells connections, passes, leases and what is installed', async () => {
    const pod = await wired();
    const families = await scrape();
    const value = (series: string) => families.get(series.replace(/\{.*/, ''))?.series.get(series);
    assert.equal(value('tenet_connected{to="ovsdb"}'), 1);
    assert.equal(value('tenet_connected{to="vswitchd"}'), 1);
    assert.equal(value('tenet_connections_total{to="ovsdb"}'), 1);
    assert.equal(value('tenet_connections_total{to="vswitchd"}'), 2, 'one reconnect, after the restart above');
    assert.equal(value('tenet_leases_in_use'), 1);
    assert.equal(value('tenet_leases_capacity'), 5);
    assert.equal(value('tenet_pods_wired'), 1);
    assert.equal(value('tenet_problems'), 0);
    assert.equal(value('tenet_flows_installed{kind="pod"}'), value('tenet_flows_desired{kind="pod"}'));
    assert.ok((value('tenet_flows_installed{kind="static"}') ?? 0) > 10);
    assert.equal(value('tenet_flows_installed{kind="stranger"}'), 0);
    assert.ok((families.get('tenet_reconcile_duration_seconds')?.series.size ?? 0) > 30);
    assert.ok((value('tenet_reconcile_changes_total{step="flows",change="added"}') ?? 0) > 60);
    const last = value('tenet_reconcile_last_success_timestamp_seconds{step="flows"}') ?? 0;
    assert.ok(Math.abs(Date.now() / 1000 - last) < 30, `last success ${last}`);
    await node.cni({ command: 'DEL', pod: 'alpha/web', containerId: pod.containerId });
  });
});

describe('/healthz', () => {
  test('is 200 while pods are carried and 503 with the reason while they may not be', async () => {
    assert.deepEqual(await askDaemon(node, '/healthz').then(({ status, body }) => ({ status, body })), {
      status: 200,
      body: 'ok\n',
    });
    await node.ovs.stopVswitchd('SIGKILL');
    const sick = await until(async () => {
      const answer = await askDaemon(node, '/healthz');
      return answer.status === 503 ? answer : undefined;
    }, 'it is not well');
    assert.match(sick.body, /^ovs-vswitchd is not connected: nobody answers for br0 at /);
    await node.ovs.startVswitchd();
    await until(
      async () => ((await askDaemon(node, '/healthz')).status === 200 ? true : undefined),
      'it is well again',
    );
  });
});

describe('an address that is taken', () => {
  test('does not keep the node from its pods: it says so once, and serves when the address is free', async () => {
    await daemon[Symbol.asyncDispose]();
    const namespace = `/run/netns/${node.ovs.netns}`;
    const fd = listenTcp({ namespace, address: Ip.parse('127.0.0.1'), port: 9101 });
    try {
      daemon = await node.start();
      await daemon.ready();
      const complaints = daemon.lines().filter(({ message }) => message === 'not served');
      assert.equal(complaints.length, 1);
      assert.equal(complaints[0]?.code, 'METRICS_NOT_SERVED');
    } finally {
      closeSync(fd);
    }
    await until(
      () => (daemon.lines().some(({ message }) => message === 'served again') ? true : undefined),
      'metrics are served',
    );
    assert.equal((await askDaemon(node, '/healthz')).status, 200);
  });
});
