export { readTxChecksum, setTxChecksum } from './checksum-offload.ts';
export { deleteConntrack, deleteConntrackIf, listConntrack } from './conntrack.ts';
export type { ConntrackEntry, ConntrackFilter, ConntrackTuple } from './conntrack-entry.ts';
export { HOST_ERRORS, type Refusal, refusedWith, type ToolFailure } from './errors.ts';
export { findConntrack } from './find-conntrack.ts';
export { inNamespace, type Synchronous } from './namespace/in-namespace.ts';
export { createNamespace, deleteNamespace } from './namespace/namespaces.ts';
export {
  type IptablesListOptions,
  type IptablesRestoreOptions,
  type IptablesSaveOptions,
  type IptablesScope,
  type IptablesVariant,
  iptablesList,
  iptablesRestore,
  iptablesSave,
} from './netfilter/iptables.ts';
export { readLegacyDigest, readLegacySizes } from './netfilter/legacy-digest.ts';
export {
  type NftListOptions,
  type NftObject,
  type NftOptions,
  nftApply,
  nftList,
  nftListText,
} from './netfilter/nft.ts';
export { readNftGeneration } from './netfilter/nft-generation.ts';
export { type NftChange, NftNews } from './netfilter/nft-news.ts';
export { type RulesScope, readRulesVersion } from './netfilter/rules-version.ts';
export { RT_TABLE, RTPROT } from './netlink/constants.ts';
export { type LinkChange, Netlink, type VethEnd, type VethSpec } from './netlink.ts';
export { NetworkNews } from './network-news.ts';
export { PacketSocket, type PacketSocketSpec } from './packet-socket.ts';
export { type ProbeResult, ProbeSocket, type ProbeSocketSpec } from './probe-socket.ts';
export type { Address, AddressSpec } from './route/addresses.ts';
export type { Link } from './route/links.ts';
export type { Neighbour, NeighbourKey, NeighbourSpec, NeighbourState } from './route/neighbours.ts';
export type { NextHop, Route, RouteFilter, RouteScope, RouteSpec, RouteType } from './route/routes.ts';
export type { Rule, RuleAction } from './route/rules.ts';
export { isSunk, SINK, sinkLinks } from './sink.ts';
export { bindUdp, listenSctp, listenTcp, openSctp, openTcp, type SocketSpec } from './sockets.ts';
export { readSysctl, type SysctlKey, writeSysctl } from './sysctl.ts';
