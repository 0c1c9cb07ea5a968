import { addFlow, deleteFlow, deleteFlows, type Flow, type UnreadableFlow } from '@tenet/openflow';
import type { SwitchConnection } from '@tenet/openflow/connection';
import type { Logger } from '@tenet/std';
import type { FlowSwitch } from './flow-reconciler.ts';

/** The flows of a switch over its OpenFlow connection. */
export function openFlowSwitch(connection: SwitchConnection, log: Logger): FlowSwitch {
  return {
    async dumpFlows() {
      const unreadable: UnreadableFlow[] = [];
      const flows = await connection.dumpFlows({}, { onUnreadable: (flow) => unreadable.push(flow) });
      if (unreadable.length === 0) return flows;
      await removeStrangers(connection, unreadable, log);
      return connection.dumpFlows();
    },
    async change(add: readonly Flow[], remove: readonly Flow[]) {
      // Adds first: within the bundle nothing is seen half done, and without it this order would drop the least.
      await connection.bundle([...add.map(addFlow), ...remove.map(deleteFlow)]);
    },
  };
}

/** What we cannot read is not ours; it can only be named by its table and cookie. */
async function removeStrangers(
  connection: SwitchConnection,
  strangers: readonly UnreadableFlow[],
  log: Logger,
): Promise<void> {
  for (const { table, cookie, error } of strangers) {
    log.warn('unreadable flow removed', {
      table,
      cookie: `0x${cookie.toString(16)}`,
      error,
      remedy: 'find out who adds flows to br0',
    });
  }
  await connection.bundle(strangers.map(({ table, cookie }) => deleteFlows({ table, cookie })));
}
