import { apiVersionOf, DEFAULT_MTU_BYTES, DEFAULT_VXLAN_PORT, PLUGIN_NAME } from '@tenet/model';
import type { ClusterSpec } from './cluster-spec.ts';

/** HTTP on port 80 and a datagram service beside it, as every answerer serves them. */
const PORTS = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'echo', protocol: 'UDP', port: 8081 },
];

/**
 * The cluster of every lab that is not told otherwise: two nodes, a global project with an Elasticsearch pod, and two
 * projects that must not see each other, each with a client and a service of two pods, one on either node. A router in
 * the global project `default` is the way in from outside.
 */
export const ARTICLE_CLUSTER: ClusterSpec = {
  underlay: {
    network: '10.122.70.0/24',
    gateway: '10.122.70.1',
    published: [
      { network: '10.122.70.96/28', node: 'dt-infra1' },
      { network: '10.122.70.112/28', node: 'dt-node2' },
    ],
  },
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
      labels: { component: 'es' },
      ip: '10.131.2.45',
      ports: [{ name: 'restapi', containerPort: 9200, protocol: 'TCP' }],
    },
    { namespace: 'alpha', name: 'web', node: 'dt-infra1', labels: { app: 'web' } },
    { namespace: 'alpha', name: 'web-2', node: 'dt-node2', labels: { app: 'web' } },
    { namespace: 'alpha', name: 'client', node: 'dt-node2' },
    { namespace: 'beta', name: 'db', node: 'dt-infra1', labels: { app: 'db' } },
    { namespace: 'beta', name: 'db-2', node: 'dt-node2', labels: { app: 'db' } },
    { namespace: 'beta', name: 'client', node: 'dt-node2' },
    { namespace: 'default', name: 'router', node: 'dt-infra1', labels: { app: 'router' }, program: 'router' },
  ],
  services: [
    {
      namespace: 'logging',
      name: 'logging-es',
      spec: {
        clusterIP: '172.30.229.30',
        selector: { component: 'es' },
        // Without a name: the article's chains are called after `logging/logging-es:`.
        ports: [{ port: 9200, targetPort: 'restapi' }],
      },
    },
    {
      namespace: 'alpha',
      name: 'web',
      host: 'web.alpha.example',
      spec: {
        type: 'NodePort',
        selector: { app: 'web' },
        ports: PORTS.map((port, at) => ({ ...port, nodePort: 30_080 + at })),
      },
    },
    { namespace: 'beta', name: 'db', host: 'db.beta.example', spec: { selector: { app: 'db' }, ports: PORTS } },
    {
      namespace: 'default',
      name: 'router',
      spec: { selector: { app: 'router' }, externalIPs: ['10.122.70.100'], ports: [{ name: 'http', port: 80 }] },
    },
  ],
};
