export { ARTICLE_NODE } from './article-node.ts';
export {
  type ExplainedFlow,
  type ExplainedNode,
  explainTable,
  peerFlows,
  podFlows,
  projectFlows,
  serviceFlows,
  staticFlows,
} from './compile.ts';
export { COOKIE_KIND_MASK, COOKIE_KINDS, type CookieKind, cookieOf, dropCookie, readCookie } from './cookie.ts';
export { DROP_CLASS_NAMES, DROP_CLASSES, type DropClass, dropClassOf } from './drop-classes.ts';
export { type HostGuard, type HostRulesOptions, hostChains, hostGuards, hostRules } from './host-rules.ts';
export type { ClusterService, Datapath, NodeNetwork, Peer, PodPort } from './node-network.ts';
export { FIRST_POD_OF_PORT, LAST_POD_OF_PORT, OF_PORT, REGISTERS, SERVICE_ZONE } from './registers.ts';
export { TABLE_NAMES, TABLES, type TableName, tableNameOf } from './tables.ts';
