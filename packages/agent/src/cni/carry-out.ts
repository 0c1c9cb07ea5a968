import { addResult } from './answer.ts';
import { attach } from './attach.ts';
import { attachmentKey } from './attachment.ts';
import type { CallOptions } from './call-parts.ts';
import { checkNode } from './check-node.ts';
import { checkPod } from './check-pod.ts';
import { collectGarbage } from './collect-garbage.ts';
import { detach } from './detach.ts';
import type { AddRequest, CheckRequest, CniRequest, DelRequest } from './request.ts';
import type { Wiring } from './wiring.ts';

/**
 * Carries a call of the plugin out and resolves with what the plugin prints, which only ADD has. Calls for one
 * attachment queue, others run at the same time. The log says what changed, and where the time went.
 */
export async function carryOut(wiring: Wiring, request: CniRequest, options: CallOptions): Promise<object | undefined> {
  const { log } = wiring;
  const startedMs = performance.now();
  const spent = () => Math.round((performance.now() - startedMs) * 10) / 10;
  switch (request.command) {
    case 'ADD': {
      const wired = await inTurn(wiring, request, options, () => attach(wiring, request, options));
      log.info('pod attached', { ...factsOf(request), ip: wired.ip.toString(), ms: spent() });
      log.debug('time of an ADD', { ...factsOf(request), ms: spent(), parts: options.parts.ms });
      return addResult(request.version, wired);
    }
    case 'DEL':
      await inTurn(wiring, request, options, () => detach(wiring, request.attachment, options));
      log.info('pod detached', { ...factsOf(request), ms: spent() });
      log.debug('time of a DEL', { ...factsOf(request), ms: spent(), parts: options.parts.ms });
      return undefined;
    case 'CHECK':
      await inTurn(wiring, request, options, () => checkPod(wiring, request, options));
      log.debug('time of a CHECK', { ...factsOf(request), ms: spent(), parts: options.parts.ms });
      return undefined;
    case 'GC': {
      const removed = await collectGarbage(wiring, request, options);
      if (removed > 0) log.info('stale attachments removed', { removed, ms: spent() });
      return undefined;
    }
    case 'STATUS':
      checkNode(wiring);
      return undefined;
  }
}

type AttachmentRequest = AddRequest | DelRequest | CheckRequest;

function inTurn<T>(
  { queue }: Wiring,
  { attachment }: AttachmentRequest,
  { signal, parts }: CallOptions,
  call: () => Promise<T>,
): Promise<T> {
  parts.begin('queue');
  return queue.run(attachmentKey(attachment), () => {
    // Who waited too long behind another call has gone.
    signal.throwIfAborted();
    return call();
  });
}

function factsOf({ pod, attachment }: AttachmentRequest) {
  return {
    pod: `${pod.namespace}/${pod.name}`,
    containerId: attachment.containerId,
    interface: attachment.ifName,
  };
}
