import type { Netlink } from '@tenet/host';
import type { Vnid } from '@tenet/model';
import type { OpenVSwitch } from '@tenet/ovsdb';
import type { NodeNetwork } from '@tenet/pipeline';
import type { Ip, Logger, TenetError } from '@tenet/std';
import type { Detaching } from '../flows/desired-flows.ts';
import type { FlowPlan } from '../flows/flow-plan.ts';
import type { Leases } from '../ipam/leases.ts';
import type { KeyedQueue } from './keyed-queue.ts';

/** What wiring a pod needs of the node. */
export interface Wiring {
  readonly node: NodeNetwork;
  readonly ovs: OpenVSwitch;
  readonly netlink: Netlink;
  readonly leases: Leases;
  readonly log: Logger;
  /** One thing at a time for each attachment, by key: calls of the plugin, and what the daemon mends by itself. */
  readonly queue: KeyedQueue;
  /** The project's number, waiting for it a while; NO_VNID when it does not come. */
  readonly vnidOf: (namespace: string, signal: AbortSignal) => Promise<Vnid>;
  /** Resolves when the switch has all the flows that it should have, but none of those being detached. */
  readonly syncFlows: (signal: AbortSignal) => Promise<void>;
  /** Why the switch does not carry a pod's packets, as of the last flows that it got; undefined when it does. */
  readonly whyNotCarried: (ip: Ip) => TenetError | undefined;
  /** The flows that the switch has, as last seen; undefined while that is not known. */
  readonly installedFlows: () => FlowPlan | undefined;
  /** Why no pod can be wired now; undefined when one can. */
  readonly whyNotReady: () => NotReady | undefined;
  /** Attachments whose flows must go although their ports are still there, by key. */
  readonly detaching: Detaching;
  /** Ends what the switch remembers of a pod's service connections. */
  readonly flushConntrack: (ip: Ip, signal: AbortSignal) => Promise<void>;
}

/** Why a node is not ready, and whether that also keeps the packets of those pods that it has. */
export interface NotReady {
  readonly error: TenetError;
  readonly cutsPods: boolean;
}
