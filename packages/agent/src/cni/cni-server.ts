import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { isTenetError, type Logger, sentenceOf } from '@tenet/std';
import fastify from 'fastify';
import { agentError } from '../errors.ts';
import { addResult, errorAnswer, type Wired } from './answer.ts';
import { attach, detach, type Wiring } from './attach.ts';
import { attachmentKey } from './attachment.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { answerVersion, parseCniRequest, WIRE_REQUEST } from './request.ts';

/** Runtimes wait minutes; a pod that waits longer than this is better tried again. */
const CALL_DEADLINE_MS = 30_000;

/** A request is an environment and a network configuration: far more than that is a mistake. */
const MAX_REQUEST_BYTES = 4 << 20;

export interface CniServerOptions {
  /** Path of the unix socket. */
  readonly socket: string;
  readonly wiring: Wiring;
  readonly log: Logger;
}

/**
 * Serves the CNI plugin on a unix socket: one POST a call, answered with what the plugin has to print and the status
 * with which it has to exit. Calls for one attachment queue, others run at the same time.
 */
export async function startCniServer({ socket, wiring, log }: CniServerOptions): Promise<AsyncDisposable> {
  const queue = new KeyedQueue();
  const server = fastify({ bodyLimit: MAX_REQUEST_BYTES });

  server.post('/cni', async (message) => {
    const wire = WIRE_REQUEST.safeParse(message.body);
    if (!wire.success) return { status: 1, print: errorAnswer('1.1.0', new TypeError('the plugin sent no CNI call')) };
    const startedMs = performance.now();
    try {
      const request = parseCniRequest(wire.data);
      const { command, attachment, pod, version } = request;
      const facts = {
        pod: `${pod.namespace}/${pod.name}`,
        containerId: attachment.containerId,
        interface: attachment.ifName,
      };
      const signal = AbortSignal.timeout(CALL_DEADLINE_MS);
      const wired = await queue.run<Wired | undefined>(attachmentKey(attachment), async () =>
        command === 'ADD' ? attach(wiring, request, signal) : void (await detach(wiring, attachment, signal)),
      );
      const ms = Math.round((performance.now() - startedMs) * 10) / 10;
      if (wired === undefined) log.info('pod detached', { ...facts, ms });
      else log.info('pod attached', { ...facts, ip: wired.ip.toString(), ms });
      return { status: 0, ...(wired === undefined ? {} : { print: addResult(version, wired) }) };
    } catch (error) {
      const failure = lateOr(error, wire.data.environment.CNI_COMMAND ?? 'CNI call');
      const remedy = isTenetError(failure) ? failure.remedy : undefined;
      log.warn('cni call failed', { command: wire.data.environment.CNI_COMMAND, error: sentenceOf(failure), remedy });
      return { status: 1, print: errorAnswer(answerVersion(wire.data.stdin), failure) };
    }
  });

  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  await server.listen({ path: socket });
  chmodSync(socket, 0o600);
  return { [Symbol.asyncDispose]: () => server.close() };
}

/** A deadline that passed in the middle says what was waited for. */
function lateOr(error: unknown, command: string): unknown {
  if (!(error instanceof DOMException) || error.name !== 'TimeoutError') return error;
  return agentError('CNI_TIMED_OUT', { command, waitedMs: CALL_DEADLINE_MS, doing: 'waiting for Open vSwitch' }, error);
}
