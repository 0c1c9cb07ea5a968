export { type Portal, type ProxiedEndpoint, type ProxiedPort, type ProxyNode, portLabel } from './proxied-port.ts';
export type { RulesPiece, RulesPlanner } from './rules-planner.ts';
