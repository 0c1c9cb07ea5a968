import type { OvsCache } from '@tenet/ovsdb';
import type { NodeNetwork, Peer } from '@tenet/pipeline';
import { type Ip, isTenetError, type Logger, type TenetError } from '@tenet/std';
import { checkFixedPorts } from '../bridge/switch-objects.ts';
import { attachmentKey } from '../cni/attachment.ts';
import { agentError } from '../errors.ts';
import { peersOf } from '../peers.ts';
import type { Cluster } from '../watch-cluster.ts';
import { podPorts, wiredPods } from '../wired-pods.ts';
import { ClusterServices } from './cluster-services.ts';
import { FlowCompiler } from './flow-compiler.ts';
import { FlowPlan } from './flow-plan.ts';

/** What the flows of a node follow from. */
export interface DesiredFlowsOptions {
  readonly nodeName: string;
  readonly node: NodeNetwork;
  readonly cluster: Cluster;
  readonly cache: OvsCache;
  /**
   * Whether rules of this node still translate what is sent to the service `namespace/name`; `heardOfServices` is to be
   * called when that ends. Absent: none is known to.
   */
  readonly isForwarded?: (service: string) => boolean;
  readonly log: Logger;
}

/** Takes note of attachments that are being detached. */
export interface Detaching {
  add(key: string): void;
  delete(key: string): void;
}

/** The flows that a node should have, compiled anew only when something was heard. */
export class DesiredFlows {
  /** Attachments whose flows must go although their ports are still there, by key. */
  readonly detaching: Detaching = {
    add: (key) => {
      this.#detaching.add(key);
      this.heard();
    },
    delete: (key) => {
      this.#detaching.delete(key);
      this.heard();
    },
  };
  readonly #detaching = new Set<string>();
  readonly #options: DesiredFlowsOptions;
  readonly #compiler = new FlowCompiler();
  readonly #services: ClusterServices;
  #compiled: FlowPlan | undefined;
  #peers: readonly Peer[] | undefined;
  /** The pods in the flows that were last compiled, and why there are none if that is so. */
  #carried: ReadonlySet<string> = new Set();
  #carriesNone: TenetError | undefined;
  #refused = '';

  constructor(options: DesiredFlowsOptions) {
    this.#options = options;
    this.#services = new ClusterServices({ ...options, serviceNetwork: options.node.serviceNetwork });
  }

  /** Says that something has changed from which the flows follow. */
  heard(): void {
    this.#compiled = undefined;
  }

  /** Says that HostSubnets have changed. */
  heardOfNodes(): void {
    this.#peers = undefined;
    this.heard();
  }

  /** Says that services, the numbers of projects, or what is forwarded have changed. */
  heardOfServices(): void {
    this.#services.heard();
    this.heard();
  }

  /**
   * The flows, the very same plan while nothing was heard; undefined while that is not known, and then nothing is to be
   * touched. With vxlan0 or tun0 in the wrong place there are none: nothing may pass.
   */
  compile(): FlowPlan | undefined {
    const { cluster, cache } = this.#options;
    const { netNamespaces, hostSubnets, services } = cluster;
    const isKnown = netNamespaces.isSynced && hostSubnets.isSynced && services.isSynced && cache.root !== undefined;
    if (!isKnown) return undefined;
    this.#compiled ??= this.#compileAnew();
    return this.#compiled;
  }

  /** Why a pod is not in the flows that were last compiled; undefined when it is. */
  whyNotCarried(ip: Ip): TenetError | undefined {
    if (this.#carried.has(ip.toString())) return undefined;
    return this.#carriesNone ?? agentError('FLOWS_NOT_INSTALLED', { what: `the pod ${ip}` });
  }

  /** Why no pod is in them. */
  get whyNoneIsCarried(): TenetError | undefined {
    return this.#carriesNone;
  }

  /** The other nodes; those that are left out are logged when that is new. */
  peers(): readonly Peer[] {
    this.#peers ??= this.#peersAnew();
    return this.#peers;
  }

  #peersAnew(): readonly Peer[] {
    const { nodeName, node, cluster, log } = this.#options;
    const { peers, refused } = peersOf(nodeName, node, cluster.hostSubnets.entries.values());
    const said = JSON.stringify(refused);
    if (said !== this.#refused) {
      for (const { name, problem } of refused) {
        log.warn('node left out', { node: name, reason: problem, remedy: `correct or delete HostSubnet ${name}` });
      }
    }
    this.#refused = said;
    return peers;
  }

  #compileAnew(): FlowPlan {
    const { node, cluster, cache } = this.#options;
    try {
      checkFixedPorts(cache);
    } catch (error) {
      if (!isTenetError(error)) throw error;
      this.#carried = new Set();
      this.#carriesNone = error;
      return new FlowPlan([]);
    }
    const pods = wiredPods(cache).filter(({ attachment }) => !this.#detaching.has(attachmentKey(attachment)));
    const ports = podPorts(pods, (namespace) => cluster.netNamespaces.get(namespace)?.vnid);
    this.#carried = new Set(ports.map(({ ip }) => ip.toString()));
    this.#carriesNone = undefined;
    return this.#compiler.compile({ node, pods: ports, peers: this.peers(), services: this.#services.all() });
  }
}
