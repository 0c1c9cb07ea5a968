import type { Vnid } from '@tenet/model';
import type { Flow } from '@tenet/openflow';
import type { ClusterService, NodeNetwork, Peer, PodPort } from './node-network.ts';
import { flowOf, type Owner, type Row, STATIC } from './rows.ts';
import { classify } from './tables/classify.ts';
import { dispatch } from './tables/dispatch.ts';
import { fromHost } from './tables/from-host.ts';
import { localArp } from './tables/local-arp.ts';
import { localPod } from './tables/local-pod.ts';
import { egressPolicy, egressRoute, outside } from './tables/outside.ts';
import { podEntry } from './tables/pod-entry.ts';
import { remoteArp, remotePod } from './tables/remote-pod.ts';
import { service } from './tables/service.ts';
import { serviceReply } from './tables/service-reply.ts';
import type { TableRows } from './tables/table-rows.ts';
import { tenantCheck } from './tables/tenant-check.ts';
import { tunnelEntry } from './tables/tunnel-entry.ts';
import { version } from './tables/version.ts';
import { TABLE_NAMES, TABLES, type TableName } from './tables.ts';

/** Each table's rows. A table whose flows belong to a feature that is not there has only its miss. */
const ROWS: Readonly<Record<TableName, TableRows>> = {
  classify,
  tunnelEntry,
  podEntry,
  serviceReply,
  fromHost,
  dispatch,
  localArp,
  remoteArp,
  service,
  localPod,
  tenantCheck,
  remotePod,
  outside,
  egressPolicy,
  egressRoute,
  multicast: {},
  multicastFanOut: {},
  multicastDelivery: {},
  version,
};

/** The flows that every node has, whatever its pods and peers; the misses of all tables too. */
export function staticFlows(node: NodeNetwork): Flow[] {
  return compile(STATIC, (rows, table) => [...(rows.static?.(node) ?? []), missOf(table)]);
}

/** The flows of a pod of this node. */
export function podFlows(node: NodeNetwork, pod: PodPort): Flow[] {
  return compile(podOwner(pod), (rows) => rows.pod?.(node, pod) ?? []);
}

/** The flows of another node. */
export function peerFlows(node: NodeNetwork, peer: Peer): Flow[] {
  return compile(peerOwner(peer), (rows) => rows.peer?.(node, peer) ?? []);
}

/** The flows of a service. */
export function serviceFlows(node: NodeNetwork, of: ClusterService): Flow[] {
  return compile(serviceOwner(of), (rows) => rows.service?.(node, of) ?? []);
}

/** The flows of a project with a pod on this node; the global project needs none. */
export function projectFlows(node: NodeNetwork, vnid: Vnid): Flow[] {
  return vnid === 0 ? [] : compile(projectOwner(vnid), (rows) => rows.project?.(node, vnid) ?? []);
}

/** A flow with the owner for whose sake it is there, and the reason. */
export interface ExplainedFlow {
  readonly owner: Owner['kind'];
  readonly flow: Flow;
  readonly why: string;
}

/** A node with one of each. */
export interface ExplainedNode {
  readonly node: NodeNetwork;
  readonly pod: PodPort;
  readonly peer: Peer;
  readonly service: ClusterService;
}

/** The flows of one table of a node, highest priority first, each with its reason: what documentation is made of. */
export function explainTable(table: TableName, { node, pod, peer, service: of }: ExplainedNode): ExplainedFlow[] {
  const rows = ROWS[table];
  const owned: readonly (readonly [Owner, readonly Row[]])[] = [
    [STATIC, [...(rows.static?.(node) ?? []), missOf(table)]],
    [podOwner(pod), rows.pod?.(node, pod) ?? []],
    [peerOwner(peer), rows.peer?.(node, peer) ?? []],
    [serviceOwner(of), rows.service?.(node, of) ?? []],
    [projectOwner(pod.vnid), rows.project?.(node, pod.vnid) ?? []],
  ];
  return owned
    .flatMap(([owner, list]) =>
      list.map((row) => ({ owner: owner.kind, flow: flowOf(table, row, owner), why: row.why })),
    )
    .sort((a, b) => b.flow.priority - a.flow.priority);
}

function podOwner({ ip }: PodPort): Owner {
  return { kind: 'pod', id: Number(ip.value) };
}

function peerOwner({ id }: Peer): Owner {
  return { kind: 'peer', id };
}

function serviceOwner({ id }: ClusterService): Owner {
  return { kind: 'service', id };
}

function projectOwner(vnid: Vnid): Owner {
  return { kind: 'project', id: vnid };
}

function missOf(table: TableName): Row {
  return { priority: 0, match: {}, apply: TABLES[table].miss, why: 'nothing above matched' };
}

function compile(owner: Owner, rowsFor: (rows: TableRows, table: TableName) => readonly Row[]): Flow[] {
  return TABLE_NAMES.flatMap((table) => rowsFor(ROWS[table], table).map((row) => flowOf(table, row, owner)));
}
