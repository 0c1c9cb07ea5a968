import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runController } from '@tenet/controller';
import { type KubeClient, openKubeClient } from '@tenet/kube';
import { ApiStore, startApiServer } from '@tenet/lab';
import type { ClusterNetworkObject } from '@tenet/model';
import { type Clock, type LogFacts, type Logger, SILENT } from '@tenet/std';
import { eventually as waitFor } from '../eventually.ts';

const DEADLINE_MS = 20_000;

/** The machine's own time. */
const CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => void (await sleep(ms, undefined, signal === undefined ? {} : { signal })),
};

/** A log line as it was written. */
interface Line {
  readonly phrase: string;
  readonly facts: LogFacts;
}

/** A controller that runs until it is stopped, and what it said. */
interface RunningController extends AsyncDisposable {
  readonly lines: readonly Line[];
  /** How it ended: resolves when it was stopped, rejects when it failed. */
  readonly ended: Promise<void>;
}

/** An API server with nothing in it but the ClusterNetwork, and a client that is not the controller's. */
export interface ControllerCluster extends AsyncDisposable {
  /** Path of a kubeconfig that leads to it. */
  readonly kubeconfig: string;
  readonly client: KubeClient;
  /** Closes the API server's socket, lets `change` happen to the objects behind it, and opens the socket again. */
  outage(change: (store: ApiStore) => Promise<void>): Promise<void>;
  /** Starts a controller with a client of its own. */
  controller(): Promise<RunningController>;
}

/** Starts the lab's API server on a free port, with an admin's view of it. */
export async function controllerCluster(network?: ClusterNetworkObject): Promise<ControllerCluster> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await mkdtempDisposable(join(tmpdir(), 'tenet-controller-')));
  const store = new ApiStore({ nowMs: () => Date.now(), uid: () => crypto.randomUUID() });
  const listeners = [{ host: '127.0.0.1', port: 0 }];
  const server = stack.use(await startApiServer({ listeners, store, log: SILENT }));
  const kubeconfig = join(directory.path, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigText(server.listeners[0]?.url ?? ''));
  const client = stack.use(await openKubeClient({ kubeconfig }));
  if (network !== undefined) await client.create('ClusterNetwork', network);

  const held = stack.move();
  return {
    kubeconfig,
    client,
    async outage(change) {
      const [listener] = server.listeners;
      if (listener === undefined) throw new Error('the API server does not listen');
      const { host, port } = listener;
      await listener[Symbol.asyncDispose]();
      await change(store);
      await server.listen({ host, port });
    },
    async controller() {
      const own = await openKubeClient({ kubeconfig });
      const life = new AbortController();
      const lines: Line[] = [];
      const write = (phrase: string, facts: LogFacts = {}) => void lines.push({ phrase, facts });
      const log: Logger = { debug() {}, info: write, warn: write, error: write };
      const ended = runController({ client: own, log, clock: CLOCK, random: Math.random, signal: life.signal });
      // Whoever started it to see it fail looks at `ended` later.
      ended.catch(() => {});
      return {
        lines,
        ended,
        async [Symbol.asyncDispose]() {
          life.abort();
          await ended.catch(() => {});
          await own[Symbol.asyncDispose]();
        },
      };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Waits until `look` gives something other than undefined, with room for a busy machine. */
export function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  return waitFor(look, { what, deadlineMs: DEADLINE_MS });
}

/** JSON is YAML too; the lab's server asks for no credentials. */
function kubeconfigText(server: string): string {
  const name = 'controller-test';
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
