/**
 * How long a switch takes to get many flows in one bundle: from us, as Flow values that are still to be encoded, and
 * from `ovs-ofctl --bundle add-flows`, as a file that is still to be read. Both talk to one private Open vSwitch
 * with the userspace datapath, in turns; the table shows medians. Run it by `npm run bench:flows`.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addFlow, canonicalMatch, deleteFlows, type Flow, formatFlow } from '@tenet/openflow';
import { connectSwitch, type SwitchConnection } from '@tenet/openflow/connection';
import { privateOvs } from '../test/integration/private-ovs.ts';

const COUNTS = [1_000, 10_000, 50_000] as const;
const REPETITIONS = 7;

await using ovs = await privateOvs({ bridges: ['br0'] });
const path = ovs.mgmt('br0');
await using connection = await connectSwitch({ path, signal: new AbortController().signal });

process.stdout.write(`${row('flows', 'tenet ms', 'ovs-ofctl ms', 'tenet / ovs-ofctl')}\n`);
for (const count of COUNTS) {
  const flows = Array.from({ length: count }, (_, at) => podFlow(at));
  const file = join(ovs.directory, 'flows.txt');
  await writeFile(file, flows.map((flow) => `${formatFlow(flow)}\n`).join(''));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let turn = 0; turn < REPETITIONS; turn++) {
    ours.push(await measured(connection, count, () => connection.bundle(flows.map(addFlow))));
    theirs.push(await measured(connection, count, () => ofctl('--bundle', 'add-flows', path, file)));
  }
  const [we, they] = [median(ours), median(theirs)];
  process.stdout.write(`${row(count, we.toFixed(0), they.toFixed(0), (we / they).toFixed(2))}\n`);
}

/** A flow as a node has one for each pod elsewhere: a match on the address, registers loaded, a tunnel and an output. */
function podFlow(at: number): Flow {
  return {
    table: 90,
    priority: 100,
    cookie: (3n << 56n) | BigInt(at),
    match: canonicalMatch({ eth_type: 0x800, ip_dst: 0x0a80_0000 + at, reg0: at % 4096 }),
    actions: [
      { kind: 'move', src: { field: 'reg0', offset: 0, bits: 32 }, dst: { field: 'tun_id', offset: 0, bits: 32 } },
      { kind: 'set_field', field: 'tun_dst', value: BigInt(0xc0a8_0000 + (at % 1000)) },
      { kind: 'output', port: 1 },
    ],
  };
}

/** Milliseconds of `add`, which must leave `count` flows; they are removed again. */
async function measured(session: SwitchConnection, count: number, add: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await add();
  const ms = performance.now() - start;
  const { flows } = await session.aggregate();
  if (flows !== count) throw new Error(`the switch has ${flows} flows instead of ${count}`);
  await session.bundle([deleteFlows()]);
  return ms;
}

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
