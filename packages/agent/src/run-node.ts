import { Netlink } from '@tenet/host';
import { openKubeClient } from '@tenet/kube';
import { OpenVSwitch } from '@tenet/ovsdb';
import type { Clock, Logger } from '@tenet/std';
import { CniServer, refuseSecondDaemon } from './cni/cni-server.ts';
import { announceNetwork, installPlugin, type PluginProgram, withdrawNetwork } from './cni/install-plugin.ts';
import { type AgentConfig, statusSocketOf } from './config.ts';
import { learnNode } from './learn-node.ts';
import { AgentMetrics } from './metrics/agent-metrics.ts';
import { NodeLoops } from './node-loops.ts';
import { refuseKubeProxy } from './services/refuse-kube-proxy.ts';
import { NodeReporter } from './status/node-reporter.ts';
import { serveNode } from './status/serve-node.ts';
import { watchCluster } from './watch-cluster.ts';

/** What the node's daemon is given. */
export interface RunNodeOptions {
  readonly config: AgentConfig;
  readonly plugin: PluginProgram;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/**
 * The node's daemon, in the network namespace of the node: brings switch, kernel and rules to what the cluster's
 * objects ask for, keeps them there, and wires pods. Resolves when the signal has aborted; what is installed stays,
 * so that pods go on talking.
 */
export async function runNode({ config, plugin, log, clock, random, signal: stop }: RunNodeOptions): Promise<void> {
  // What was begun ends with this call, also when it fails half way: else watches would keep the process alive.
  using life = endOfBlock();
  const signal = AbortSignal.any([stop, life.signal]);
  await refuseSecondDaemon(config.cni.socket);
  await refuseSecondDaemon(statusSocketOf(config));
  await refuseKubeProxy(config.proxy.mode);
  const metrics = new AgentMetrics({ clock });
  const reporter = new NodeReporter({ config, metrics, clock });
  await using _served = await serveNode({ config, reporter, log, clock, signal });
  // Until everything stands no pod may be started here.
  withdrawNetwork(config.cni);
  await using client = await openKubeClient({
    ...(config.kubeconfig && { kubeconfig: config.kubeconfig }),
    signal,
    userAgent: 'tenet-node',
  });
  const cluster = watchCluster(client, { nodeName: config.nodeName, log, clock, random, signal });
  reporter.waitsFor(`the API server, ClusterNetwork default and HostSubnet ${config.nodeName}`);
  const node = await learnNode({ config, client, cluster, log, clock, signal });
  await using ovs = new OpenVSwitch({
    path: config.openvswitch.database,
    onConnected: () => metrics.connected('ovsdb'),
    signal,
    log,
    clock,
    random,
  });
  using netlink = Netlink.open();
  await using loops = new NodeLoops({
    config,
    client,
    node,
    cluster,
    ovs,
    netlink,
    metrics,
    log,
    clock,
    random,
    signal,
  });
  reporter.observe(() => loops.look());
  reporter.waitsFor('Open vSwitch');
  await loops.started();
  await using server = new CniServer({
    socket: config.cni.socket,
    deadlineMs: config.cni.callSeconds * 1_000,
    wiring: loops.wiring,
    log,
    signal,
    onEnded: (call) => metrics.cniCall(call),
  });
  await server.ensureListening();
  loops.alsoKeep('cni socket', () => server.ensureListening());
  installPlugin(config.cni.binDirectory, plugin);
  announceNetwork(config.cni);
  reporter.ready();
  log.info('node is ready', { node: config.nodeName, subnet: node.subnet.toString() });
  await aborted(signal);
}

/** A signal that aborts when its block ends. */
function endOfBlock(): Disposable & { readonly signal: AbortSignal } {
  const life = new AbortController();
  return { signal: life.signal, [Symbol.dispose]: () => life.abort() };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
