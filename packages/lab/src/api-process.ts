import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { listenTcp } from '@tenet/host';
import { Ip, type Logger, Prefix } from '@tenet/std';
import { startApiServer } from './api/server.ts';
import { ApiStore } from './api/store.ts';
import type { Lab } from './state/lab-state.ts';

export interface ApiProcessOptions {
  readonly lab: Lab;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const LOOPBACK = Ip.parse('127.0.0.1');

/**
 * Serves the lab's Kubernetes API on one port of 127.0.0.1, in the machine's namespace and in each node's: whoever uses
 * it needs no network to it, so agents keep it while their switch is down. Ends with the signal.
 */
export async function runApiServer({ lab, log, signal }: ApiProcessOptions): Promise<void> {
  const { apiPort: port, cluster } = lab.settings;
  const namespaces = [undefined, ...cluster.nodes.map(({ name }) => lab.paths.namespace(name))];
  await using server = await startApiServer({
    listeners: namespaces.map((namespace) => ({
      fd: listenTcp({ address: LOOPBACK, port, ...(namespace === undefined ? {} : { namespace }) }),
    })),
    store: new ApiStore({
      nowMs: () => Date.now(),
      uid: () => randomUUID(),
      serviceNetwork: Prefix.parse(cluster.clusterNetwork.serviceNetwork),
    }),
    log,
  });
  log.info('API server listens', { address: server.listeners[0]?.url });
  if (!signal.aborted) await once(signal, 'abort');
}
