import type { KubeClient } from '@tenet/kube';
import { type ClusterNetwork, gatewayOf, parseClusterNetwork } from '@tenet/model';
import type { NodeNetwork } from '@tenet/pipeline';
import { type Clock, isTenetError, type Logger, Mac, sentenceOf } from '@tenet/std';
import type { AgentConfig } from './config.ts';
import { failAgent } from './errors.ts';
import type { Cluster } from './watch-cluster.ts';

/** How often to look again for what is missing; each look is one small request. */
const LOOK_AGAIN_MS = 500;

/**
 * What this node is in the cluster's network: waits for ClusterNetwork `default` and the node's own HostSubnet,
 * saying once what it waits for. A ClusterNetwork that is wrong is an error at once.
 */
export async function learnNode({
  config,
  client,
  cluster,
  log,
  clock,
  signal,
}: {
  readonly config: AgentConfig;
  readonly client: KubeClient;
  readonly cluster: Cluster;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<NodeNetwork> {
  const network = await until('ClusterNetwork default', () => readClusterNetwork(client, log));
  await Promise.all([cluster.hostSubnets.synced, cluster.netNamespaces.synced, cluster.services.synced]);
  const own = await until(`HostSubnet ${config.nodeName}`, async () => {
    const found = cluster.hostSubnets.get(config.nodeName);
    return found?.subnet === undefined ? undefined : { hostIp: found.hostIp, subnet: found.subnet };
  });
  const gateway = gatewayOf(own.subnet);
  return {
    datapath: config.datapath,
    clusterNetworks: network.ranges.map((range) => range.cidr),
    serviceNetwork: network.serviceNetwork,
    subnet: own.subnet,
    gateway,
    gatewayMac: Mac.fromIpv4(gateway),
    nodeIp: own.hostIp,
    vxlanPort: network.vxlanPort,
    mtuBytes: network.mtuBytes,
  };

  async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (let looks = 0; ; looks++) {
      const found = await look();
      if (found !== undefined) return found;
      if (looks === 0) log.info('waiting for an object', { name: what });
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }
}

/** CLUSTER_NETWORK_CHANGED when ClusterNetwork `default` says something else than when the node was set up. */
export function checkClusterStays(node: NodeNetwork, { clusterNetworks }: Cluster): void {
  const now = clusterNetworks.get('default');
  // Gone, unreadable or not heard of yet: that is the controller's to report.
  if (now === undefined) return;
  const was = wordsOf(node);
  const is = wordsOf({ ...now, clusterNetworks: now.ranges.map((range) => range.cidr) });
  if (is !== was) failAgent('CLUSTER_NETWORK_CHANGED', { was, is });
}

function wordsOf({
  clusterNetworks,
  serviceNetwork,
  vxlanPort,
  mtuBytes,
}: Pick<NodeNetwork, 'clusterNetworks' | 'serviceNetwork' | 'vxlanPort' | 'mtuBytes'>): string {
  return `pods in ${clusterNetworks.join(', ')}, services in ${serviceNetwork}, VXLAN port ${vxlanPort}, MTU ${mtuBytes}`;
}

/** NODE_MOVED when the node's HostSubnet has gone or says something else than when the node was set up. */
export function checkNodeStays(name: string, node: NodeNetwork, { hostSubnets }: Cluster): void {
  const now = hostSubnets.get(name);
  const was = `${node.nodeIp} with ${node.subnet}`;
  const is = now === undefined ? 'nothing' : `${now.hostIp} with ${now.subnet ?? 'no subnet'}`;
  if (is !== was) failAgent('NODE_MOVED', { node: name, was, is });
}

/** Undefined while there is none or the server does not answer; throws when it is there and wrong. */
async function readClusterNetwork(client: KubeClient, log: Logger): Promise<ClusterNetwork | undefined> {
  try {
    const object = await client.get('ClusterNetwork', { name: 'default' });
    return object === undefined ? undefined : parseClusterNetwork(object);
  } catch (error) {
    if (!isTenetError(error) || !error.code.startsWith('KUBE_')) throw error;
    log.debug('cluster network not read', { error: sentenceOf(error) });
    return undefined;
  }
}
