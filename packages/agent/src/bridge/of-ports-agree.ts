import type { SwitchConnection } from '@tenet/openflow/connection';
import type { Clock } from '@tenet/std';
import { failAgent } from '../errors.ts';
import { BRIDGE } from '../wired-pods.ts';

/** A switch that has just started tells its database within milliseconds. */
const DEADLINE_MS = 2_000;
const LOOK_AGAIN_MS = 20;

/** A port of br0 as the database has it. */
export interface KnownPort {
  readonly name: string;
  /** Absent while the switch has given none, -1 when it could not. */
  readonly ofport?: number | undefined;
}

interface Disagreement {
  readonly port: string;
  /** What the switch says; 0 when it has no such port. */
  readonly ofPort: number;
  readonly database: number;
}

/**
 * Waits until the database says of each port of br0 what the switch itself says. After a restart of ovs-vswitchd the
 * database still has the numbers of before for a moment, and a flow that outputs to one of those might reach another
 * pod. OF_PORTS_UNSETTLED when they do not come to agree.
 */
export async function ofPortsAgree(
  connection: Pick<SwitchConnection, 'portDescriptions'>,
  {
    known,
    clock,
    signal,
  }: { readonly known: () => readonly KnownPort[]; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const numbers = new Map((await connection.portDescriptions()).map(({ name, port }) => [name, port]));
    const wrong = disagreement(known(), numbers);
    if (wrong === undefined) return;
    if (waitedMs >= DEADLINE_MS) failAgent('OF_PORTS_UNSETTLED', { ...wrong });
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** The first port whose number in the database is not the switch's. */
function disagreement(known: readonly KnownPort[], numbers: ReadonlyMap<string, number>): Disagreement | undefined {
  for (const { name, ofport } of known) {
    // The bridge's own port has a reserved number, which the database writes otherwise.
    if (name === BRIDGE || ofport === undefined || ofport < 1) continue;
    const ofPort = numbers.get(name) ?? 0;
    if (ofPort !== ofport) return { port: name, ofPort, database: ofport };
  }
  return undefined;
}
