import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Netlink } from '@tenet/host';
import { connectSwitch, type SwitchConnection } from '@tenet/openflow/connection';
import type { DropClass } from '@tenet/pipeline';
import { Mac } from '@tenet/std';
import { PATIENCE } from '../process/patience.ts';
import type { Lab } from '../state/lab-state.ts';
import { countedSince, readDropCounters } from './drop-counters.ts';
import type { Endpoint, NodeEndpoint } from './endpoint.ts';
import { type Expectation, expect } from './expectation.ts';
import { isAsExpected, type PairOutcome, PROBED, probePair } from './probe-pair.ts';

/** What was sent from one place to another, what became of it, and what ought to have. */
export interface PairFinding {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly expectation: Expectation;
  readonly outcome: PairOutcome;
  /** For what must be blocked: the drops that the destination's switch counted meanwhile. */
  readonly counted: readonly (readonly [DropClass, bigint])[];
  readonly isAsExpected: boolean;
}

const REACH_TIMEOUT_MS = 2000 * PATIENCE;
/** What is dropped is waited for in vain: not longer than it takes to be sure. */
const BLOCKED_TIMEOUT_MS = 500;
/** Open vSwitch credits counters about twice a second. */
const COUNTER_DEADLINE_MS = 3000 * PATIENCE;
const COUNTER_LOOK_MS = 50;

/**
 * Sends TCP, UDP and ICMP from each endpoint to each other one. What must be blocked goes one pair at a time per
 * switch, so that a drop that is counted meanwhile is that pair's.
 */
export async function proveIsolation(
  lab: Lab,
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
): Promise<PairFinding[]> {
  const pairs = endpoints.flatMap((from) =>
    endpoints.filter((to) => to !== from).map((to) => ({ from, to, expectation: expect(from, to) })),
  );
  const findings = new Map<(typeof pairs)[number], PairFinding>();
  const open = pairs.filter(({ expectation }) => expectation.kind !== 'blocked');
  await Promise.all(
    open.map(async (pair) => {
      const outcome = await probePair(pair.from, pair.to, REACH_TIMEOUT_MS);
      findings.set(pair, {
        ...pair,
        outcome,
        counted: [],
        isAsExpected: isAsExpected(pair.expectation, pair.to, outcome),
      });
    }),
  );
  const nodes = endpoints.filter((endpoint): endpoint is NodeEndpoint => endpoint.kind === 'node');
  await Promise.all(
    nodes.map(async (node) => {
      await using connection = await connectSwitch({ path: join(lab.paths.node(node.name).ovs, 'br0.mgmt'), signal });
      for (const pair of pairs) {
        if (pair.expectation.kind !== 'blocked' || pair.expectation.by !== node) continue;
        findings.set(pair, await probeBlocked(connection, { ...pair, signal }));
      }
    }),
  );
  return pairs.flatMap((pair) => findings.get(pair) ?? []);
}

interface BlockedPair extends Pick<PairFinding, 'from' | 'to' | 'expectation'> {
  readonly signal: AbortSignal;
}

async function probeBlocked(connection: SwitchConnection, { signal, ...pair }: BlockedPair): Promise<PairFinding> {
  using _known = knowMac(pair);
  const before = await readDropCounters(connection);
  const outcome = await probePair(pair.from, pair.to, BLOCKED_TIMEOUT_MS);
  const endMs = performance.now() + COUNTER_DEADLINE_MS;
  let counted = countedSince(before, await readDropCounters(connection));
  while (!isCounted(counted) && performance.now() < endMs) {
    await pause(COUNTER_LOOK_MS, undefined, { signal });
    counted = countedSince(before, await readDropCounters(connection));
  }
  const fits = isAsExpected(pair.expectation, pair.to, outcome) && isCounted(counted);
  return { ...pair, outcome, counted, isAsExpected: fits };
}

/**
 * Tells the sender the destination's MAC, which follows from its address: the switch would drop the sender's ARP, and
 * nothing else would ever be sent. An attacker knows as much.
 */
function knowMac({ from, to }: Pick<PairFinding, 'from' | 'to'>): Disposable {
  const key = { link: 'eth0', address: to.ip };
  using netlink = Netlink.open(from.namespace);
  netlink.setNeighbour({ ...key, mac: Mac.fromIpv4(to.ip), permanent: true });
  return {
    [Symbol.dispose]() {
      using netlink = Netlink.open(from.namespace);
      netlink.deleteNeighbour(key);
    },
  };
}

/** One packet of each protocol, for the one reason for which they may be dropped: any other would be luck. */
function isCounted(counted: PairFinding['counted']): boolean {
  return counted.some(([dropClass, packets]) => dropClass === 'tenant-mismatch' && packets >= BigInt(PROBED.length));
}
