import type { Vnid } from '@tenet/model';
import type { ClusterService, NodeNetwork, Peer, PodPort } from '../node-network.ts';
import type { Row } from '../rows.ts';

/** The flows of one table, by the owner for whose sake they are there. */
export interface TableRows {
  readonly static?: (node: NodeNetwork) => readonly Row[];
  readonly pod?: (node: NodeNetwork, pod: PodPort) => readonly Row[];
  readonly peer?: (node: NodeNetwork, peer: Peer) => readonly Row[];
  /** A service of any project: every node may have its clients. */
  readonly service?: (node: NodeNetwork, service: ClusterService) => readonly Row[];
  /** A project other than the global one, while one of its pods is on this node. */
  readonly project?: (node: NodeNetwork, vnid: Vnid) => readonly Row[];
}
