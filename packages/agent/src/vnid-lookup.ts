import type { WatchCache } from '@tenet/kube';
import type { NetNamespace, Vnid } from '@tenet/model';
import { failAgent } from './errors.ts';

/** The controller gives a new namespace its number within moments; a pod that came first waits this long for it. */
const VNID_WAIT_MS = 10_000;

/** The project's number, now or as soon as it is known; NO_VNID when it does not come in time. */
export async function awaitVnid(
  netNamespaces: WatchCache<NetNamespace>,
  namespace: string,
  { signal, waitMs = VNID_WAIT_MS }: { readonly signal: AbortSignal; readonly waitMs?: number },
): Promise<Vnid> {
  const late = AbortSignal.timeout(waitMs);
  const stop = AbortSignal.any([signal, late]);
  for (;;) {
    const found = netNamespaces.get(namespace);
    if (found !== undefined) return found.vnid;
    if (late.aborted) failAgent('NO_VNID', { namespace, waitedMs: waitMs });
    signal.throwIfAborted();
    await changed(netNamespaces, stop);
  }
}

function changed(cache: WatchCache<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      listening[Symbol.dispose]();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const listening = cache.onChange(done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
