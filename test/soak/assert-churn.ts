import assert from 'node:assert/strict';
import { type ChurnOptions, type ChurnReport, churn, faultsOf } from './churn.ts';
import { DIRECT } from './marked-frames.ts';

/** Runs churn, prints what came of it, and fails with every fault. */
export async function assertChurn(options: ChurnOptions): Promise<void> {
  const { seed, pods, workers } = options;
  console.log(`# churn of ${pods} pods by ${workers} workers: TENET_SOAK_SEED=${seed}`);
  const report = await churn(options);
  for (const line of summaryOf(report)) console.log(`# ${line}`);
  const faults = faultsOf(report);
  for (const fault of faults) console.log(fault);
  assert.equal(faults.length, 0, `${faults.length} faults with TENET_SOAK_SEED=${seed}; logs are in ${report.logs}`);
  assertMeant(report);
}

/** Silence means something only where there was something to hear, and survival only where something was killed. */
function assertMeant({ churned, kills, heard, pings, shifted }: ChurnReport): void {
  const { created, deleted, ready } = churned;
  assert.ok(created > 0, 'no pod was created');
  assert.equal(deleted, created);
  assert.ok(ready > created / 2, `only ${ready} of ${created} pods were ready`);
  assert.ok(churned.remembered > 0, 'no switch was ever seen to remember a connection through the host');
  for (const how of [...DIRECT, 'detour through the host'])
    assert.ok((heard.get(how) ?? 0) > 0, `no ${how} between pods of one project was heard`);
  assert.ok(shifted > 0, 'no project was joined or isolated');
  assert.ok([...kills.byDaemon.values()].reduce((sum, count) => sum + count, 0) > 0, 'nothing was killed');
  for (const ping of pings) assert.ok(ping.answered > 0, `${ping.name} was never answered`);
}

function summaryOf({ seconds, churned, kills, shifted, leaks, heard, pings, leftovers }: ChurnReport): string[] {
  const killed = [...kills.byDaemon].map(([name, count]) => `${name} ${count}`).join(', ');
  const outagesMs = (isLocal: boolean) =>
    pings
      .filter((ping) => ping.isLocal === isLocal)
      .flatMap(({ outages }) =>
        outages.map(({ startedMs, answeredMs }) => (answeredMs ?? Number.NaN) - (startedMs ?? Number.NaN)),
      );
  const sum = (count: (ping: (typeof pings)[number]) => number) =>
    pings.reduce((total, ping) => total + count(ping), 0);
  return [
    `${seconds.toFixed(1)} s, ${churned.created} pods created, ${churned.ready} ready, ${churned.deleted} deleted`,
    `ready after ${spread(churned.readyMs)} ms`,
    `killed: ${killed}`,
    `projects joined or isolated: ${shifted}`,
    `marked frames heard in their own project: ${[...heard].map(([how, count]) => `${how} ${count}`).join(', ')}`,
    `leaks: ${leaks.length}; left over: ${leftovers.length}`,
    `connections through the host seen in the switch: ${churned.remembered}`,
    `pings: ${sum(({ answered }) => answered)} answered, ${sum(({ lost }) => lost)} lost, ${sum(({ unexcused }) => unexcused.length)} of them while the switches ran`,
    `after a switch was started again, pings were answered after ${spread(outagesMs(true))} ms on one node, ${spread(outagesMs(false))} ms across`,
  ];
}

function spread(values: readonly number[]): string {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN);
  return `median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)}`;
}
