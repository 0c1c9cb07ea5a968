/**
 * What services cost a node: 100, 1,000 and 10,000 with two endpoints each, in both back ends, in one run. First sync
 * until the last rule is in the kernel, one endpoint changed likewise, a look that finds nothing changed, a reading of
 * all that is installed; processor time with that of the tools, beside the process's own for a change; and the memory
 * of the process, one for each line. Then connections through the last service of the list, in windows that take turns,
 * beside those of a node that has no services. At the end other layouts of the same services, as kube-proxy itself has
 * no package here. Medians, but for processor time. Run it by `npm run bench:services`.
 *
 * What a change costs with iptables-nft grows with all services though its text does not: at each commit the kernel
 * follows every jump of the table in search of loops (nft_table_validate), 80 ms of processor time with 10,000.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Ip } from '@tenet/std';
import { applyHostRules, type BenchNode, benchNode, SERVER_IPS, SERVER_PORT } from './services/bench-node.ts';
import { SERVICE_PORT } from './services/bench-services.ts';
import { connectionsPerSecond } from './services/connection-rate.ts';
import type { SyncMeasures } from './services/measure-sync.ts';
import { median } from './services/median.ts';
import { chainPerService, oneRestore } from './services/other-layouts.ts';

const COUNTS = [100, 1_000, 10_000] as const;
const BACK_ENDS = ['iptables-nft', 'nftables'] as const;
const WINDOWS = 9;
const WINDOW_MS = 400;
const PEERS_AT = 1_000;

interface Case {
  readonly backEnd: (typeof BACK_ENDS)[number];
  readonly count: number;
  readonly node: BenchNode;
  readonly sync: SyncMeasures;
  readonly rates: number[];
}

using nodes = new DisposableStack();
const cases: Case[] = [];

print(
  'services',
  'back end',
  'first sync ms',
  'its CPU ms',
  'pieces',
  'one change ms',
  'its CPU ms',
  'own CPU ms',
  'look ms',
  'read all ms',
  'rss MB',
  'heap MB',
);
for (const count of COUNTS)
  for (const backEnd of BACK_ENDS) {
    const node = nodes.use(benchNode(`${backEnd}-${count}`));
    await applyHostRules(node, backEnd === 'iptables-nft');
    const sync = await measureSync(backEnd, count, node);
    cases.push({ backEnd, count, node, sync, rates: [] });
    print(
      ...[count, backEnd, sync.firstMs.toFixed(0), sync.firstCpuMs.toFixed(0), sync.pieces],
      ...[sync.changeMs.toFixed(1), sync.changeCpuMs.toFixed(1), sync.ownCpuMs.toFixed(1)],
      ...[sync.lookMs.toFixed(2), sync.readMs.toFixed(0)],
      ...[grown(sync.idleRssBytes, sync.rssBytes), grown(sync.idleHeapBytes, sync.heapBytes)],
    );
  }

const plain = nodes.use(benchNode('plain'));
await applyHostRules(plain, false);
const [server] = SERVER_IPS;
const direct: number[] = [];
for (let window = 0; window < WINDOWS; window++) {
  if (server !== undefined) direct.push(connectionsPerSecond(plain, { to: server, port: SERVER_PORT }, WINDOW_MS));
  for (const { node, sync, rates } of cases) {
    const last = { to: Ip.parse(sync.lastClusterIp), port: SERVICE_PORT };
    rates.push(connectionsPerSecond(node, last, WINDOW_MS));
  }
}

print();
print('services', 'back end', 'connections/s', 'of those without');
print('none', '', median(direct).toFixed(0), '1.00');
for (const each of cases)
  print(each.count, each.backEnd, median(each.rates).toFixed(0), ratio(each.rates, direct).toFixed(2));

print();
print('services', 'other layout', 'first sync ms', 'one change ms');
for (const { node, backEnd, count } of cases) {
  if (backEnd === 'iptables-nft' && count === PEERS_AT) {
    using empty = benchNode('one-restore');
    const { firstMs, changeMs } = await oneRestore(node, empty);
    print(count, 'one restore', firstMs.toFixed(0), changeMs.toFixed(0));
  }
  if (backEnd === 'nftables' && count >= PEERS_AT) {
    using empty = benchNode('chains');
    const times = await chainPerService(empty, count);
    print(count, 'nft chains', times?.firstMs.toFixed(0) ?? 'over 60000', times?.changeMs.toFixed(0) ?? '');
  }
}

print();
const most = Math.max(...COUNTS);
const large = cases.filter(({ count }) => count === most);
for (const { backEnd, sync } of large) {
  target(`one change at ${most} with ${backEnd}, ms`, sync.changeMs, 100);
  target(`first sync at ${most} with ${backEnd}, ms`, sync.firstMs, 10_000);
}
const [few, many] = [COUNTS[0], most].map((at) => rateOf('nftables', at));
if (few !== undefined && many !== undefined)
  target(`connections/s lost from ${COUNTS[0]} to ${most} services with nftables, %`, 100 * (1 - ratio(many, few)), 10);

function rateOf(backEnd: string, count: number): readonly number[] | undefined {
  return cases.find((each) => each.backEnd === backEnd && each.count === count)?.rates;
}

/** Window by window, as what else the machine does is in both. */
function ratio(rates: readonly number[], of: readonly number[]): number {
  return median(rates.map((rate, window) => rate / (of[window] ?? Number.NaN)));
}

async function measureSync(backEnd: string, count: number, { namespace }: BenchNode): Promise<SyncMeasures> {
  const program = new URL('services/measure-sync.ts', import.meta.url).pathname;
  // As bin/tenet starts a daemon; and garbage is not counted.
  const runtime = [process.execPath, '--max-semi-space-size=4', '--expose-gc'];
  const args = [`--net=${namespace}`, '--', ...runtime, program, backEnd, `${count}`];
  const { stdout } = await promisify(execFile)('nsenter', args);
  return JSON.parse(stdout);
}

function grown(beforeBytes: number, bytes: number): string {
  return `${megabytes(beforeBytes)} → ${megabytes(bytes)}`;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function target(what: string, value: number, most: number): void {
  process.stdout.write(`${value <= most ? 'met   ' : 'missed'}  ${what}: ${value.toFixed(1)}, at most ${most}\n`);
}

function print(...cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(15)).join('')}\n`);
}
