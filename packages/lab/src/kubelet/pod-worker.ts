import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { deleteNamespace } from '@tenet/host';
import type { PodObject } from '@tenet/model';
import { backoffMs, isTenetError, type Logger, sentenceOf } from '@tenet/std';
import { addressOf, type CniCall } from '../cni/cni-call.ts';
import { type CniNode, runNetwork } from '../cni/run-network.ts';
import { makeNamespace } from '../network/namespace.ts';
import { PATIENCE } from '../process/patience.ts';
import { LAB_ANNOTATION } from './lab-annotation.ts';
import type { PodSituation } from './pod-status.ts';
import { removeSandbox, type Sandbox, writeSandbox } from './sandbox-file.ts';

/** What a worker needs of its surroundings. */
export interface PodWorkerNeeds {
  readonly node: CniNode;
  /** Where sandboxes are kept, and the record of what was made. */
  readonly directory: string;
  readonly record: string;
  /** Reports how the pod is; called again until it succeeds. */
  readonly report: (situation: Omit<PodSituation, 'hostIp'>) => Promise<void>;
  /** Starts what the pod is to do, in this namespace. */
  readonly run: (pod: PodObject, namespace: string) => Promise<AsyncDisposable>;
  readonly log: Logger;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Ends the worker and leaves the pod as it is. */
  readonly signal: AbortSignal;
}

/** One pod: wired while it is wanted, taken away when it is not. */
export interface PodWorker {
  /** The pod, as the API has it now. */
  want(pod: PodObject): void;
  /** The pod is gone from the API. */
  remove(): void;
  /** Resolves when nothing of the pod is left, or the signal aborts. */
  readonly ended: Promise<void>;
}

/** The first retries come soon: an agent that starts is a matter of a second. */
const BACKOFF = { firstMs: 100, maxMs: 10_000 };

const EARLY_MS = 100 * PATIENCE;

/** A runtime sends DEL three times; the later ones when the namespace is gone. */
const DEL_PAUSES_MS = [0, 1000, 10_000] as const;

/** Starts the worker of a pod that is new, or of one that an earlier kubelet has left. */
export function startPodWorker(found: Sandbox, needs: PodWorkerNeeds): PodWorker {
  const { node, directory, log, signal } = needs;
  const facts = { pod: `${found.namespace}/${found.name}`, node: found.node };
  let sandbox = found;
  let wanted: PodObject | undefined;
  let removed = false;
  let program: AsyncDisposable | undefined;
  let news = new AbortController();
  let complaint: string | undefined;

  function wake(): void {
    news.abort();
  }

  function call(command: CniCall['command'], namespace: string): CniCall {
    const { containerId, uid, name } = sandbox;
    const ip = wanted?.metadata.annotations?.[LAB_ANNOTATION.ip];
    const pod = { namespace: sandbox.namespace, name, uid };
    const { binDirectory } = node;
    return { command, containerId, namespace, binDirectory, pod, ...(ip === undefined ? {} : { ip }) };
  }

  /** One pass from whatever is there to a wired pod that answers and whose status says so. */
  async function wire(pod: PodObject): Promise<void> {
    if (!existsSync(sandbox.netns)) {
      // Also after somebody deleted the namespace of a wired pod: then it is wired anew.
      await program?.[Symbol.asyncDispose]();
      program = undefined;
      const { result: _, ...rest } = sandbox;
      sandbox = rest;
      writeSandbox(directory, sandbox);
      makeNamespace({ path: sandbox.netns, record: needs.record });
    }
    if (sandbox.result === undefined) {
      const result = await add();
      sandbox = { ...sandbox, result };
      writeSandbox(directory, sandbox);
      log.info('pod wired', { ...facts, ip: addressOf(result) });
    }
    program ??= await needs.run(pod, sandbox.netns);
    await needs.report({ podIp: addressOf(sandbox.result) });
  }

  /** After an ADD that failed a runtime takes back what it may have done, then tries with a new container. */
  async function add(): Promise<unknown> {
    try {
      return await runNetwork(node, call('ADD', sandbox.netns));
    } catch (error) {
      if (isTenetError(error, 'CNI_FAILED')) {
        await runNetwork(node, call('DEL', sandbox.netns)).then(
          () => {
            sandbox = { ...sandbox, containerId: newContainerId() };
            writeSandbox(directory, sandbox);
          },
          () => log.debug('nothing taken back after a failed ADD', facts),
        );
      }
      throw error;
    }
  }

  async function takeAway(): Promise<void> {
    await program?.[Symbol.asyncDispose]();
    // Nothing was made of a pod that went at once.
    const pauses = existsSync(sandbox.netns) || sandbox.result !== undefined ? DEL_PAUSES_MS : [];
    for (const [at, pauseMs] of pauses.entries()) {
      await needs.sleep(pauseMs, signal);
      try {
        await runNetwork(node, call('DEL', at === 0 ? sandbox.netns : ''), sandbox.result);
        break;
      } catch (error) {
        log.warn('DEL failed', { ...facts, failures: at + 1, error: sentenceOf(error), remedy: remedyOf(error) });
      }
      if (at === 0) deleteNamespace(sandbox.netns);
    }
    deleteNamespace(sandbox.netns);
    removeSandbox(directory, sandbox);
    log.info('pod removed', facts);
  }

  /** Says once what is said again and again. */
  function complain(error: unknown, more: { failures: number; retryMs: number }): void {
    const sentence = sentenceOf(error);
    if (sentence !== complaint)
      log.warn('pod not wired', { ...facts, ...more, error: sentence, remedy: remedyOf(error) });
    complaint = sentence;
  }

  /** Tells the API why the pod waits; that it cannot be told is no reason to stop trying to wire it. */
  async function explain(error: unknown): Promise<void> {
    const isEarly = isTenetError(error, 'CNI_CONFIGURATION');
    const reason = isEarly ? 'NetworkPluginNotReady' : 'FailedCreatePodSandBox';
    await needs.report({ failure: { reason, message: sentenceOf(error) } }).catch((failure: unknown) => {
      log.debug('status not reported', { ...facts, error: sentenceOf(failure) });
    });
  }

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      news = new AbortController();
      let pauseMs = Number.POSITIVE_INFINITY;
      try {
        if (removed) return await takeAway();
        if (wanted !== undefined) await wire(wanted);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures++;
        // A node whose agent has not started is asked often: it costs one look into a directory.
        pauseMs = isTenetError(error, 'CNI_CONFIGURATION') ? EARLY_MS : backoffMs(failures, needs.random(), BACKOFF);
        complain(error, { failures, retryMs: pauseMs });
        await explain(error);
      }
      await untilNews(pauseMs);
    }
    await program?.[Symbol.asyncDispose]();
  }

  async function untilNews(pauseMs: number): Promise<void> {
    const either = AbortSignal.any([news.signal, signal]);
    if (either.aborted) return;
    if (Number.isFinite(pauseMs)) return needs.sleep(pauseMs, either).catch(() => {});
    await new Promise<void>((resolve) => either.addEventListener('abort', () => resolve(), { once: true }));
  }

  return {
    want(pod) {
      wanted = pod;
      wake();
    },
    remove() {
      removed = true;
      wake();
    },
    ended: run(),
  };
}

/** As a runtime names a sandbox: 32 random bytes in hex. */
export function newContainerId(): string {
  return randomBytes(32).toString('hex');
}

function remedyOf(error: unknown): string | undefined {
  return isTenetError(error) ? error.remedy : undefined;
}
