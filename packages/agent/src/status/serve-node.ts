import type { Clock, Logger } from '@tenet/std';
import { type AgentConfig, statusSocketOf } from '../config.ts';
import { serveMetrics } from '../metrics/serve-metrics.ts';
import { keepServed } from './keep-served.ts';
import type { NodeReporter } from './node-reporter.ts';
import { isSocketThere, serveStatus } from './serve-status.ts';

export interface ServeNodeOptions {
  readonly config: AgentConfig;
  readonly reporter: NodeReporter;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Lets others look at the node from the start of its daemon to its end: the status socket, and the metrics if wanted. */
export async function serveNode({ config, reporter, ...rest }: ServeNodeOptions): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const socket = statusSocketOf(config);
  const status = await keepServed({
    ...rest,
    what: 'status',
    address: socket,
    listen: () => serveStatus(socket, () => reporter.read()),
    isThere: () => isSocketThere(socket),
  });
  reporter.includes(undo.use(status));
  const { listen } = config.metrics;
  if (listen !== undefined) {
    const source = {
      metrics: () => reporter.metrics(),
      unready: () => reporter.unready(),
      unreadyServices: () => reporter.unreadyServices(),
    };
    const metrics = await keepServed({
      ...rest,
      what: 'metrics',
      address: listen.text,
      listen: () => serveMetrics(listen, source),
    });
    reporter.includes(undo.use(metrics));
  }
  const stop = new AbortController();
  const drops = reporter.watchDrops(AbortSignal.any([rest.signal, stop.signal]));
  undo.defer(() => drops);
  undo.defer(() => stop.abort());
  return undo.move();
}
