/**
 * One process that keeps the service rules of the network namespace that it is in, by the same means as a node's
 * daemon: how long it takes, and how much memory it has. `measure-sync.ts BACKEND SERVICES` prints one line of JSON.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { iptablesSave, nftListText } from '@tenet/host';
import type { EndpointSlice } from '@tenet/model';
import { ARTICLE_NODE, hostRules } from '@tenet/pipeline';
import { IptablesPlanner, NftablesPlanner, ServiceTable } from '@tenet/proxy';
import { Ip } from '@tenet/std';
import { InstalledRules } from '../../packages/agent/src/host/installed-rules.ts';
import { NETFILTER } from '../../packages/agent/src/host/iptables-variants.ts';
import { iptablesAccess } from '../../packages/agent/src/services/iptables-access.ts';
import { KeptRules } from '../../packages/agent/src/services/kept-rules.ts';
import { nftablesAccess } from '../../packages/agent/src/services/nftables-access.ts';
import { clusterIpOf, numberOf, PROXY_NODE, serverSlice, service, serviceName, slice } from './bench-services.ts';
import { median } from './median.ts';

/** What one run found; times are medians where a thing was done several times. */
export interface SyncMeasures {
  readonly firstMs: number;
  /** Processor time, that of the tools included: what else the machine does disturbs it least. */
  readonly firstCpuMs: number;
  readonly pieces: number;
  readonly changeMs: number;
  /** The same of one change, the mean of all. */
  readonly changeCpuMs: number;
  /** Of it, this process's own. */
  readonly ownCpuMs: number;
  readonly lookMs: number;
  readonly readMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Of the same process before it knew of any service. */
  readonly idleRssBytes: number;
  readonly idleHeapBytes: number;
  /** Where rules are gone through one by one it is the last; its endpoints are the servers. */
  readonly lastClusterIp: string;
}

const CHANGES = 15;
const LOOKS = 101;
const { signal } = new AbortController();
const nowMs = () => performance.now();

const [backEnd, countText] = process.argv.slice(2);
const count = Number(countText);
const isIptables = backEnd === 'iptables-nft';

const idle = memory();
using toClose = new DisposableStack();
const access = isIptables ? iptablesAccess(toClose.use(iptablesRules())) : nftablesAccess();
toClose.use(access);
const planner = isIptables ? new IptablesPlanner({ node: PROXY_NODE }) : new NftablesPlanner({ node: PROXY_NODE });
const rules = new KeptRules({
  ...{ access, nowMs, planner },
  onForeign: () => assert.fail('the rules that were found are not those that were written'),
});
toClose.use(rules);
const table = new ServiceTable(PROXY_NODE);
for (let number = 0; number < count; number++) {
  table.setService(`bench/${serviceName(number)}`, service(number));
  setSlice(slice(number, count));
}

const firstStartMs = nowMs();
const firstStartCpuMs = ownCpuMs() + toolsCpuMs();
const { pieces } = await rules.keep(table.ports(), signal);
const firstMs = nowMs() - firstStartMs;
const firstCpuMs = ownCpuMs() + toolsCpuMs() - firstStartCpuMs;
const reads: number[] = [];
for (let turn = 0; turn < 3; turn++)
  reads.push(
    await msOf(async () => {
      assert.ok(planner.observe(await readAll()), 'what is installed is not what was written');
    }),
  );

const changes: number[] = [];
const [ownBeforeMs, toolsBeforeMs] = [ownCpuMs(), toolsCpuMs()];
for (let change = 1; change <= CHANGES; change++) {
  setSlice(slice(Math.floor((count * change) / (CHANGES + 2)), count, change));
  changes.push(await msOf(() => rules.keep(table.ports(), signal)));
}
const ownMs = (ownCpuMs() - ownBeforeMs) / CHANGES;
const toolsMs = (toolsCpuMs() - toolsBeforeMs) / CHANGES;

const looks: number[] = [];
for (let turn = 0; turn < LOOKS; turn++) {
  const startMs = nowMs();
  assert.ok(rules.isKept(table.ports()), 'there is something to do though nothing has changed');
  looks.push(nowMs() - startMs);
}

const listed = [...(await readAll()).matchAll(/-A KUBE-SERVICES -d (\S+)\/32 /g)];
const lastClusterIp = listed.at(-1)?.[1] ?? `${clusterIpOf(count - 1)}`;
const full = memory();
setSlice(serverSlice(numberOf(Ip.parse(lastClusterIp))));
await rules.keep(table.ports(), signal);

const measures: SyncMeasures = {
  ...{ firstMs, firstCpuMs, pieces, lastClusterIp, readMs: median(reads), lookMs: median(looks) },
  ...{ changeMs: median(changes), changeCpuMs: ownMs + toolsMs, ownCpuMs: ownMs },
  ...{ rssBytes: full.rss, heapBytes: full.heapUsed, idleRssBytes: idle.rss, idleHeapBytes: idle.heapUsed },
};
process.stdout.write(`${JSON.stringify(measures)}\n`);

async function readAll(): Promise<string> {
  return isIptables
    ? await iptablesSave({ counters: true, deadlineMs: 60_000 })
    : await nftListText({ what: 'table ip tenet', deadlineMs: 60_000 });
}

function iptablesRules(): InstalledRules {
  const desired = hostRules(ARTICLE_NODE.node, { serviceChains: true });
  return new InstalledRules({ variant: 'nft', desired, netfilter: NETFILTER, nowMs });
}

function setSlice(value: EndpointSlice): void {
  table.setSlice(`${value.namespace}/${value.name}`, value);
}

async function msOf(run: () => Promise<unknown>): Promise<number> {
  const startMs = nowMs();
  await run();
  return nowMs() - startMs;
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Of all programs that were run to their end: `cutime` and `cstime` (proc(5)), in hundredths of a second. */
function toolsCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return 10 * (Number(fields[13]) + Number(fields[14]));
}

/** What is really held: garbage is taken away before, when the process may. */
function memory(): NodeJS.MemoryUsage {
  globalThis.gc?.();
  return process.memoryUsage();
}
