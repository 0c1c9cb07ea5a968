/**
 * How long it takes to see that a switch has exactly the flows that it should: the agent's pass, which compiles what is
 * desired, reads every flow and compares, and beside it `ovs-ofctl diff-flows` and `replace-flows` with the same flows
 * in a file. Nobody sends a change. All talk to one private Open vSwitch with the userspace datapath, in turns; the
 * table shows medians, the processor time of a pass, which other programs disturb least, and the longest time for which
 * one kept the event loop from everything else. Below it, what one changed service costs among many: until the bundle is
 * sent, and until it is committed. Run it by `npm run bench:reconcile`.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { type HostSubnet, vnidOf } from '@tenet/model';
import { formatFlow } from '@tenet/openflow';
import { connectSwitch } from '@tenet/openflow/connection';
import { ARTICLE_NODE, type ClusterService, type NodeNetwork, type PodPort } from '@tenet/pipeline';
import { Ip, Mac, Prefix, SILENT } from '@tenet/std';
import { FlowCompiler, type FlowInputs } from '../packages/agent/src/flows/flow-compiler.ts';
import { FlowReconciler, type FlowSwitch } from '../packages/agent/src/flows/flow-reconciler.ts';
import { openFlowSwitch } from '../packages/agent/src/flows/open-flow-switch.ts';
import { peersOf } from '../packages/agent/src/peers.ts';
import { privateOvs } from '../test/integration/private-ovs.ts';

/** Nodes by what they have: about 1,000, 10,000 and 42,000 flows. */
const NODES = [
  { pods: 50, peers: 80 },
  { pods: 250, peers: 1_280 },
  { pods: 250, peers: 6_614 },
] as const;
const REPETITIONS = 7;
const SERVICES = [100, 1_000, 10_000] as const;
const FIRST_POD = 3;
const POD_SUBNET_BITS = 9;

const NODE: NodeNetwork = { ...ARTICLE_NODE.node, clusterNetworks: [Prefix.parse('10.0.0.0/8')] };

await using ovs = await privateOvs({ bridges: ['br0'] });
const path = ovs.mgmt('br0');
// Without the scheme a path means a file.
const target = `unix:${path}`;
const file = join(ovs.directory, 'flows.txt');
await using connection = await connectSwitch({ path, signal: new AbortController().signal });

process.stdout.write(
  `${row('flows', 'tenet ms', 'tenet CPU ms', 'longest block ms', 'diff-flows ms', 'replace-flows ms', 'tenet / diff')}\n`,
);
for (const { pods, peers } of NODES) {
  const podPorts = Array.from({ length: pods }, (_, at) => podPort(at));
  const hostSubnets = Array.from({ length: peers }, (_, at) => hostSubnet(at));
  // From the objects each time, as if a node had changed.
  const inputs = (): FlowInputs => ({
    node: NODE,
    pods: podPorts,
    services: [],
    ...peersOf('this', NODE, hostSubnets),
  });
  const compiler = new FlowCompiler();
  let changes = 0;
  const flowSwitch = openFlowSwitch(connection, SILENT);
  const counted: FlowSwitch = {
    dumpFlows: () => flowSwitch.dumpFlows(),
    change(add, remove) {
      changes++;
      return flowSwitch.change(add, remove);
    },
  };
  const reconciler = new FlowReconciler({ desired: () => compiler.compile(inputs()), log: SILENT });
  reconciler.attach(counted);
  await reconciler.sync();
  const { flows: desired } = compiler.compile(inputs());
  await writeFile(file, [...desired.values()].map((flow) => `${formatFlow(flow)}\n`).join(''));

  changes = 0;
  const ours: number[] = [];
  const processor: number[] = [];
  const blocks: number[] = [];
  const diffs: number[] = [];
  const replacements: number[] = [];
  for (let turn = 0; turn < REPETITIONS; turn++) {
    reconciler.distrust();
    const { ms, cpuMs, longestBlockMs } = await watched(reconciler.sync);
    ours.push(ms);
    processor.push(cpuMs);
    blocks.push(longestBlockMs);
    diffs.push(await timed(() => ofctl('diff-flows', target, file)));
    replacements.push(await timed(() => ofctl('replace-flows', target, file)));
  }
  const { flows } = await connection.aggregate();
  if (changes > 0 || flows !== desired.size)
    throw new Error(`${changes} changes, and ${flows} of ${desired.size} flows`);
  const [we, diff] = [median(ours), median(diffs)];
  const times = [we, median(processor), Math.max(...blocks), diff, median(replacements)].map((ms) => ms.toFixed(0));
  process.stdout.write(`${row(flows, ...times, (we / diff).toFixed(2))}\n`);
}

process.stdout.write(
  `\n${row('services', 'flows', 'first sync ms', 'compute ms', 'committed ms', 'compute if none ms')}\n`,
);
for (const count of SERVICES) {
  let services: readonly ClusterService[] = [];
  const compiler = new FlowCompiler();
  let sentMs = 0;
  const flowSwitch = openFlowSwitch(connection, SILENT);
  const timedSwitch: FlowSwitch = {
    dumpFlows: () => flowSwitch.dumpFlows(),
    change(add, remove) {
      sentMs = performance.now();
      return flowSwitch.change(add, remove);
    },
  };
  const reconciler = new FlowReconciler({
    desired: () => compiler.compile({ node: NODE, pods: [podPort(0)], peers: [ARTICLE_NODE.peer], services }),
    log: SILENT,
  });
  reconciler.attach(timedSwitch);
  // What is there from before goes first.
  await reconciler.sync();
  services = Array.from({ length: count }, (_, at) => clusterService(at, 1));
  const firstMs = await timed(reconciler.sync);
  const computing: number[] = [];
  const committing: number[] = [];
  const idling: number[] = [];
  for (let turn = 0; turn < REPETITIONS; turn++) {
    const at = Math.floor((turn * count) / REPETITIONS);
    services = services.with(at, clusterService(at, 2 + turn));
    const startMs = performance.now();
    committing.push(await timed(reconciler.sync));
    computing.push(sentMs - startMs);
    idling.push(await timed(reconciler.sync));
  }
  const { flows } = await connection.aggregate();
  const times = [firstMs, median(computing), median(committing), median(idling)].map((ms) => ms.toFixed(1));
  process.stdout.write(`${row(count, flows, ...times)}\n`);
}

/** A service of one or two ports. */
function clusterService(at: number, vnid: number): ClusterService {
  const ports = [{ protocol: 'tcp', port: 80 } as const, { protocol: 'udp', port: 53 } as const];
  const clusterIp = Ip.of(4, NODE.serviceNetwork.address.value + BigInt(at + 1));
  return { id: at, clusterIp, vnid: vnidOf(vnid), ports: ports.slice(at % 2) };
}

/** A pod of this node; each has a project of its own. */
function podPort(at: number): PodPort {
  const host = FIRST_POD + at;
  const ip = Ip.of(4, NODE.subnet.address.value + BigInt(host));
  return { ip, mac: Mac.fromIpv4(ip), ofPort: host, vnid: vnidOf(at + 1) };
}

/** Another node, with a subnet of the size of ours. */
function hostSubnet(at: number): HostSubnet {
  const subnet = Prefix.of(Ip.of(4, 0x0a00_0000n + (BigInt(at) << BigInt(POD_SUBNET_BITS))), 32 - POD_SUBNET_BITS);
  const hostIp = Ip.of(4, 0xac10_0000n + BigInt(at));
  return { name: `node${at}`, uid: `uid${at}`, createdAt: '2026-01-01T00:00:00Z', hostIp, subnet, assignSubnet: false };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds of `work`, of the processor for it, and the longest in a row in which nothing else could run. */
async function watched(work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number; longestBlockMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = process.cpuUsage();
  const ms = await timed(work);
  const { user, system } = process.cpuUsage(before);
  // The sampler is a timer: it sees a block only when it runs again.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  return { ms, cpuMs: (user + system) / 1e3, longestBlockMs: delay.max / 1e6 };
}

/** Fails when the file and the switch differ. */
async function ofctl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('ovs-ofctl', ['-OOpenFlow14', ...args]);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function row(...cells: readonly (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(18)).join('');
}
