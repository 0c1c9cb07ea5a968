import { apiVersionOf, DEFAULT_MTU_BYTES, DEFAULT_VXLAN_PORT, PLUGIN_NAME } from '@tenet/model';
import type { ClusterSpec } from './cluster-spec.ts';

/**
 * The cluster of every lab that is not told otherwise: two nodes, a global project with an Elasticsearch pod, and two
 * projects that must not see each other, each with a pod on either node.
 */
export const ARTICLE_CLUSTER: ClusterSpec = {
  underlay: { network: '10.122.70.0/24', gateway: '10.122.70.1' },
  outside: '198.51.100.10',
  clusterNetwork: {
    apiVersion: apiVersionOf('ClusterNetwork'),
    kind: 'ClusterNetwork',
    metadata: { name: 'default' },
    network: '10.128.0.0/14',
    hostsubnetlength: 9,
    clusterNetworks: [{ CIDR: '10.128.0.0/14', hostSubnetLength: 9 }],
    serviceNetwork: '172.30.0.0/16',
    pluginName: PLUGIN_NAME,
    vxlanPort: DEFAULT_VXLAN_PORT,
    mtu: DEFAULT_MTU_BYTES,
  },
  nodes: [
    { name: 'dt-infra1', ip: '10.122.70.72', subnet: '10.131.2.0/23' },
    { name: 'dt-node2', ip: '10.122.70.73', subnet: '10.130.0.0/23' },
  ],
  namespaces: [{ name: 'logging', vnid: 0 }, { name: 'alpha' }, { name: 'beta' }],
  pods: [
    {
      namespace: 'logging',
      name: 'logging-es-1',
      node: 'dt-infra1',
      ip: '10.131.2.45',
      ports: [{ name: 'restapi', containerPort: 9200, protocol: 'TCP' }],
    },
    { namespace: 'alpha', name: 'web', node: 'dt-infra1' },
    { namespace: 'alpha', name: 'client', node: 'dt-node2' },
    { namespace: 'beta', name: 'db', node: 'dt-infra1' },
    { namespace: 'beta', name: 'client', node: 'dt-node2' },
  ],
};
