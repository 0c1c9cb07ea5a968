/** What the rules of services are made of, changed in a lab that runs. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { endDaemon, openLab, type ProxyMode, startDaemonAgain } from '@tenet/lab';
import { eventually, PATIENCE } from '../eventually.ts';
import { logSince } from './agent-log.ts';
import type { PrivateLab } from './private-lab.ts';

/** A lab is brought up with the first by whoever tries both; with the last it is as others expect theirs. */
export const BACK_ENDS = ['nftables', 'iptables'] as const satisfies readonly ProxyMode[];

const DEADLINE_MS = 60_000 * PATIENCE;

/** Gives the agents of all nodes this back end and starts them again; returns once the rules of the other are gone. */
export async function useBackEnd(lab: PrivateLab, mode: ProxyMode): Promise<void> {
  const daemons = openLab(lab.paths.state);
  const nodes = daemons.settings.cluster.nodes.map(({ name }) => name);
  await Promise.all(
    nodes.map(async (node) => {
      const { configuration } = lab.paths.node(node);
      const before = readFileSync(configuration, 'utf8');
      const after = before.replace(/^( +mode: )(iptables|nftables)$/m, `$1${mode}`);
      assert.ok(after.includes(` mode: ${mode}\n`), `${configuration} names no back end`);
      if (after === before) return;
      const agent = `${node}/agent`;
      const log = logSince(lab, agent);
      await endDaemon(daemons, agent, { with: 'SIGTERM', signal: AbortSignal.timeout(DEADLINE_MS) });
      writeFileSync(configuration, after);
      await startDaemonAgain(daemons, agent, AbortSignal.timeout(DEADLINE_MS));
      await log.says('node is ready');
    }),
  );
  for (const node of nodes)
    await eventually(async () => ((await backEndOf(lab, node)) === mode ? true : undefined), {
      what: `${node} forwards services by ${mode} and nothing else`,
      deadlineMs: DEADLINE_MS,
    });
}

/** Whose rules a node has; undefined while it has both or none. */
async function backEndOf(lab: PrivateLab, node: string): Promise<ProxyMode | undefined> {
  const [save, tables] = await Promise.all([
    lab.inNetns(`node/${node}`, 'iptables-save', '-t', 'nat'),
    lab.inNetns(`node/${node}`, 'nft', 'list', 'tables'),
  ]);
  const found = [
    ...(/^-A KUBE-SERVICES /m.test(save) ? (['iptables'] as const) : []),
    ...(/^table ip tenet$/m.test(tables) ? (['nftables'] as const) : []),
  ];
  return found.length === 1 ? found[0] : undefined;
}
