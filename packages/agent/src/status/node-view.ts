import type { IptablesVariant } from '@tenet/host';
import type { SwitchConnection } from '@tenet/openflow/connection';
import type { OpenVSwitch } from '@tenet/ovsdb';
import type { NodeNetwork } from '@tenet/pipeline';
import type { NotReady } from '../cni/wiring.ts';
import type { FlowPlan } from '../flows/flow-plan.ts';
import type { ServicesView } from '../services/service-forwarding.ts';
import type { Cluster } from '../watch-cluster.ts';

/** The daemon's core as it is at the moment of the look. */
export interface NodeView {
  readonly node: NodeNetwork;
  readonly cluster: Cluster;
  readonly ovs: Pick<OpenVSwitch, 'cache' | 'isConnected'>;
  /** To br0, once it is set up; undefined while there is none. */
  readonly connection: SwitchConnection | undefined;
  /** Why no pod can be wired now, as the plugin's STATUS says it; undefined when one can. */
  readonly notReady: NotReady | undefined;
  /** The flows that the last pass wanted; undefined before there was one. */
  readonly desiredFlows: FlowPlan | undefined;
  /** How many addresses are leased. */
  readonly leases: number;
  /** Undefined until the rules were compared first. */
  readonly iptables: IptablesVariant | undefined;
  /** How many rules others have in the other variant; undefined until they were read. */
  readonly otherIptablesRules: number | undefined;
  /** Undefined when another kube-proxy forwards services, and before the host's rules stand. */
  readonly services: ServicesView | undefined;
  /** Packets that each guard of the host's rules has dropped since the daemon started. */
  readonly guardDrops: () => Promise<ReadonlyMap<string, bigint>>;
  /** Path of ovs-vswitchd's control socket. */
  readonly control: () => Promise<string>;
}
