export { PROXY_ERRORS } from './errors.ts';
export { IptablesPlanner } from './iptables/iptables-planner.ts';
export { NftablesPlanner } from './nftables/nftables-planner.ts';
export { type Portal, type ProxiedEndpoint, type ProxiedPort, type ProxyNode, portLabel } from './proxied-port.ts';
export type { HealthCheck } from './proxy-service.ts';
export type { ChainPlace, RulesPiece, RulesPlanner } from './rules-planner.ts';
export type { IgnoredAddress } from './service-addresses.ts';
export { ServiceTable } from './service-table.ts';
export { whyNoEndpoint } from './why-unusable.ts';
