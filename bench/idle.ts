/**
 * What the node's daemon costs when nothing happens: share of a core and resident memory with 0 and 200 pods.
 * Beside it, in the same run, ovs-vswitchd with the same pods.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { privateNode } from '../test/integration/private-node.ts';

const PODS = 200;
const AT_ONCE = 10;
/** Long enough for one reading of all flows, which is every minute. */
const WATCHED_MS = Number(process.env.TENET_BENCH_MS ?? 90_000);
const TICKS_PER_SECOND = 100;

await using node = await privateNode({ subnet: '10.131.2.0/23' });
await using daemon = await node.start();
await daemon.ready();
const vswitchd = Number(readFileSync(join(node.ovs.directory, 'ovs-vswitchd.pid'), 'utf8'));

console.log('pods  flows  tenet node: core  memory   ovs-vswitchd: core  memory');
await report(0);
for (let done = 0; done < PODS; done += AT_ONCE) {
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, () => node.cni({ pod: 'alpha/web', ...node.sandbox() })),
  );
  for (const { status, json } of answers) if (status !== 0) throw new Error(JSON.stringify(json));
}
await report(PODS);

async function report(pods: number): Promise<void> {
  const pids = [daemon.child.pid ?? 0, vswitchd];
  const before = pids.map(cpuSeconds);
  const startMs = performance.now();
  await sleep(WATCHED_MS);
  const seconds = (performance.now() - startMs) / 1000;
  const columns = pids.map((pid, at) => {
    const share = ((cpuSeconds(pid) - (before[at] ?? 0)) / seconds) * 100;
    return `${share.toFixed(2)} %  ${memoryMb(pid).toFixed(0)} MB`;
  });
  const flows = (await node.flows()).length;
  console.log(`${String(pods).padStart(4)} ${String(flows).padStart(6)}  ${columns.join('   ')}`);
}

/** User and system time of all threads (proc_pid_stat(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function memoryMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
