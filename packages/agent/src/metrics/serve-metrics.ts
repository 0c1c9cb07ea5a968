import fastify, { type FastifyReply } from 'fastify';
import type { ListenAddress } from '../config.ts';
import { agentError } from '../errors.ts';

export interface MetricsSource {
  /** The metrics as text, and their content type. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
  /** Why the node does not carry pods now; undefined when it does. Answers at once. */
  readonly unready: () => string | undefined;
  /** Why services are not forwarded as they should be; undefined when they are. Answers at once. */
  readonly unreadyServices: () => string | undefined;
}

/**
 * Serves `/metrics` for Prometheus; `/healthz`: 200 when the node carries pods, else 503 with the reason; and `/readyz`:
 * 200 when it also forwards services, else 503 with the reason. Disposing it ends that. METRICS_NOT_SERVED when the address is taken or not here.
 */
export async function serveMetrics(
  { host, port, text }: ListenAddress,
  source: MetricsSource,
): Promise<AsyncDisposable> {
  const server = fastify({ forceCloseConnections: true });
  server.get('/metrics', async (_request, reply) => {
    const { type, text: exposition } = await source.metrics();
    return reply.header('content-type', type).send(exposition);
  });
  const answer = (reply: FastifyReply, reason: string | undefined) =>
    reply
      .code(reason === undefined ? 200 : 503)
      .header('content-type', 'text/plain; charset=utf-8')
      .send(`${reason ?? 'ok'}\n`);
  server.get('/healthz', (_request, reply) => answer(reply, source.unready()));
  server.get('/readyz', (_request, reply) => answer(reply, source.unready() ?? source.unreadyServices()));
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw agentError('METRICS_NOT_SERVED', { address: text }, error);
  }
  return { [Symbol.asyncDispose]: () => server.close().then(() => undefined) };
}
