import type { ForeignChange, SwitchConnection } from '@tenet/openflow/connection';
import { isTenetError, type Logger } from '@tenet/std';

/**
 * Has the switch tell of changes to its flows that are not ours; true when it does. Open vSwitch before 2.16 cannot:
 * then the flows must be read again and again.
 */
export async function watchFlows(
  connection: Pick<SwitchConnection, 'monitorFlows'>,
  { onForeign, log }: { readonly onForeign: () => void; readonly log: Logger },
): Promise<boolean> {
  try {
    let isPaused = false;
    // Ends with the connection.
    await connection.monitorFlows((changes) => {
      // While it pauses the switch tells our own changes as if they were others'.
      const wasPaused = isPaused || changes.some(({ event }) => event === 'paused');
      for (const { event } of changes) {
        if (event === 'paused' || event === 'resumed') isPaused = event === 'paused';
      }
      if (!wasPaused) {
        log.warn('flows changed by others', { ...factsOf(changes), remedy: 'find out who changes the flows of br0' });
      }
      onForeign();
    });
    return true;
  } catch (error) {
    if (!isTenetError(error, 'OPENFLOW_REFUSED')) throw error;
    log.info('flows cannot be watched', { reason: error.message });
    return false;
  }
}

/** How many of each, and where the first was. */
function factsOf(changes: readonly ForeignChange[]) {
  const count = (event: ForeignChange['event']) => changes.filter((change) => change.event === event).length;
  const first = changes.find((change) => 'table' in change);
  return {
    added: count('added'),
    removed: count('removed'),
    changed: count('modified'),
    ...(first !== undefined && { table: first.table, cookie: `0x${first.cookie.toString(16)}` }),
  };
}
