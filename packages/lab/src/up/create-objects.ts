import type { KubeClient } from '@tenet/kube';
import {
  hostSubnetObject,
  namespaceObject,
  netNamespaceObject,
  nodeObject,
  podObject,
  serviceObject,
} from '../cluster/cluster-objects.ts';
import type { ClusterSpec } from '../cluster/cluster-spec.ts';

/**
 * Creates the objects of a cluster. What was chosen beforehand comes before what would make the controller choose: a
 * project's number before its Namespace.
 */
export async function createObjects(kube: KubeClient, cluster: ClusterSpec): Promise<void> {
  await kube.create('ClusterNetwork', cluster.clusterNetwork);
  for (const spec of cluster.nodes) {
    const node = await kube.create('Node', nodeObject(spec));
    const nodeUid = node.metadata.uid ?? '';
    if (spec.subnet !== undefined)
      await kube.create('HostSubnet', hostSubnetObject(spec, { subnet: spec.subnet, nodeUid }));
  }
  for (const spec of cluster.namespaces) {
    if (spec.vnid !== undefined) await kube.create('NetNamespace', netNamespaceObject(spec.name, spec.vnid));
    await kube.create('Namespace', namespaceObject(spec));
  }
  for (const spec of cluster.services) await kube.create('Service', serviceObject(spec));
  for (const spec of cluster.pods) await kube.create('Pod', podObject(spec));
}
