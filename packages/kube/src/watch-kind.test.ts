import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeObject } from '@tenet/model';
import type { Clock, Logger } from '@tenet/std';
import type { KubeClient, Listed } from './client.ts';
import { kubeError } from './errors.ts';
import type { WatchEvent } from './watch-events.ts';
import { type WatchCache, watchKind } from './watch-kind.ts';

type Batch = WatchEvent<NodeObject>[];

const listNothing = async () => ({ items: [], resourceVersion: '1' });

/** A client that lists nothing and answers each watch by `answer`; it counts what it is asked. */
function serverOf(answer: (watch: number) => Batch, list: () => Promise<Listed<never>> = listNothing) {
  const versions: string[] = [];
  const calls: Pick<KubeClient, 'listAs' | 'watch'> = {
    listAs: list,
    async *watch(_kind, { resourceVersion }) {
      const watch = versions.push(resourceVersion);
      assert.ok(watch <= 10, 'it does not pause');
      const batch = answer(watch);
      // The kinds of the caller and of the answer are the same here: Node.
      if (batch.length > 0) yield batch as never;
    },
  };
  return { versions, client: calls as KubeClient };
}

/** A clock that is as late as it is told to sleep; it ends the run after so many pauses. */
function pausingClock(limit: number) {
  const end = new AbortController();
  const pausesMs: number[] = [];
  let nowMs = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        // The other sleeper is the watchdog.
        if (ms === SILENCE_MS) return;
        nowMs += ms;
        if (pausesMs.push(ms) === limit) end.abort();
        resolve();
      }),
  };
  return { clock, pausesMs, signal: end.signal };
}

const SILENCE_MS = 120_000;
const added = (name: string, resourceVersion: string): WatchEvent<NodeObject> => ({
  type: 'ADDED',
  object: { metadata: { name, resourceVersion } },
});

function watching(client: KubeClient, { clock, signal }: ReturnType<typeof pausingClock>) {
  const lines: string[] = [];
  const add = (phrase: string) => void lines.push(phrase);
  const log: Logger = { debug() {}, info: add, warn: add, error: add };
  const cache: WatchCache<string> = watchKind(client, 'Node', {
    project: ({ metadata }) => metadata.name,
    log,
    clock,
    random: () => 0,
    signal,
    silenceMs: SILENCE_MS,
  });
  return { cache, lines };
}

test('watchKind() pauses longer and longer when each watch ends at once, a bookmark or none', async () => {
  for (const batch of [[], [{ type: 'BOOKMARK', resourceVersion: '5' }]] satisfies Batch[]) {
    const { versions, client } = serverOf(() => batch);
    const paced = pausingClock(5);
    await watching(client, paced).cache.ended;
    assert.deepEqual(paced.pausesMs, [250, 500, 1000, 2000, 4000]);
    assert.equal(versions.length, 5);
  }
});

test('watchKind() loses no event of watches that end at once', async () => {
  const { versions, client } = serverOf((watch) => [added(`n${watch}`, String(10 + watch))]);
  const { cache } = watching(client, pausingClock(3));
  await cache.ended;
  assert.deepEqual([...cache.entries.keys()], ['n1', 'n2', 'n3']);
  assert.deepEqual(versions, ['1', '11', '12']);
});

test('watchKind() counts a server that is overloaded or starting (429, 503) as one outage of all watches', async () => {
  let tries = 0;
  const { client } = serverOf(
    () => [],
    async () => {
      if (++tries > 6) return listNothing();
      const facts = { verb: 'list', path: '/', status: 503, reason: '', message: 'starting', retryAfterMs: 0 };
      throw kubeError('KUBE_UNAVAILABLE', facts);
    },
  );
  const both = [4, 4].map((pauses) => watching(client, pausingClock(pauses)));
  await Promise.all(both.map(({ cache }) => cache.ended));
  assert.deepEqual(
    both.flatMap(({ lines }) => lines),
    ['cannot reach the API server', 'the API server is back'],
  );
});
