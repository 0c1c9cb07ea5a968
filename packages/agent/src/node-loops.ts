import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Netlink } from '@tenet/host';
import type { KubeClient } from '@tenet/kube';
import { keepConnected, type SwitchConnection } from '@tenet/openflow/connection';
import { type OpenVSwitch, vswitchdCtlPath } from '@tenet/ovsdb';
import { type NodeNetwork, OF_PORT } from '@tenet/pipeline';
import type { Clock, Ip, Logger } from '@tenet/std';
import type { KnownPort } from './bridge/of-ports-agree.ts';
import { ServiceConntrack } from './bridge/service-conntrack.ts';
import { StrayPorts } from './bridge/stray-ports.ts';
import { ensureSwitchObjects, settleOfPorts } from './bridge/switch-objects.ts';
import { SwitchSession } from './bridge/switch-session.ts';
import { TunnelNeighbours } from './bridge/tunnel-neighbours.ts';
import { KeyedQueue } from './cni/keyed-queue.ts';
import { restoreLostPorts } from './cni/restore-lost-ports.ts';
import { VanishedSandboxes } from './cni/vanished-sandboxes.ts';
import type { NotReady, Wiring } from './cni/wiring.ts';
import { coalesce } from './coalesce.ts';
import type { AgentConfig } from './config.ts';
import { agentError, failAgent } from './errors.ts';
import { DesiredFlows } from './flows/desired-flows.ts';
import { FlowReconciler } from './flows/flow-reconciler.ts';
import { HostNetwork } from './host/host-network.ts';
import { HostRulesSync } from './host/host-rules-sync.ts';
import { NETFILTER } from './host/iptables-variants.ts';
import { checkNodeLink } from './host/node-link.ts';
import { isPodAddress } from './ipam/addresses.ts';
import { Leases } from './ipam/leases.ts';
import { checkClusterStays, checkNodeStays } from './learn-node.ts';
import type { AgentMetrics } from './metrics/agent-metrics.ts';
import { raced } from './raced.ts';
import { removeOtherRules } from './services/other-rules.ts';
import { ServiceForwarding } from './services/service-forwarding.ts';
import type { NodeView } from './status/node-view.ts';
import { Steps } from './steps.ts';
import { openUnidler } from './unidling/open-unidler.ts';
import { awaitVnid } from './vnid-lookup.ts';
import type { Cluster } from './watch-cluster.ts';
import { BRIDGE, wiredPods } from './wired-pods.ts';

export interface NodeLoopsOptions {
  readonly config: AgentConfig;
  readonly client: KubeClient;
  readonly node: NodeNetwork;
  readonly cluster: Cluster;
  readonly ovs: OpenVSwitch;
  readonly netlink: Netlink;
  readonly metrics: AgentMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** How often everything is compared again, whether or not something was heard: what somebody broke is whole in 2 s. */
const FULL_PASS_MS = 1_000;

/** Asking the kernel for the way to each peer is dear where there are many, and peers seldom change their NIC. */
const PASSES_PER_NEIGHBOURS = 5;

/** Each look asks for the namespace of every pod, and one that is gone may stay gone for a minute. */
const PASSES_PER_SANDBOX_LOOK = 10;

/** The switch tells of foreign changes to its flows; at every so many passes they are read all the same. */
const PASSES_PER_DUMP = 60;

/**
 * Keeps a node as its cluster wants it. Everything is level-triggered: what is heard only says when to look, and
 * each look compares all that should be with all that is.
 */
export class NodeLoops implements AsyncDisposable {
  readonly wiring: Wiring;
  readonly #options: NodeLoopsOptions;
  readonly #steps: Steps;
  readonly #flows: FlowReconciler;
  readonly #desired: DesiredFlows;
  readonly #session: SwitchSession;
  readonly #rules: HostRulesSync;
  #forwarding: ServiceForwarding | undefined;
  readonly #neighbours: TunnelNeighbours;
  readonly #vanished: VanishedSandboxes;
  readonly #strayPorts: StrayPorts;
  readonly #hostNetwork: HostNetwork;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #listening: Disposable[] = [];
  readonly #lookAtPorts = coalesce(() => this.#portsPass());
  #connecting: Promise<void> = Promise.resolve();
  #ended: Promise<unknown> = Promise.resolve();
  readonly #also = new Map<string, () => Promise<void>>();

  constructor(options: NodeLoopsOptions) {
    const { config, node, cluster, ovs, netlink, metrics, log } = options;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#steps = new Steps({ log, signal: this.#signal, metrics });
    this.#desired = new DesiredFlows({
      nodeName: config.nodeName,
      node,
      cluster,
      cache: ovs.cache,
      isForwarded: (service) => this.#forwarding?.isForwarded(service) ?? false,
      log,
    });
    this.#flows = new FlowReconciler({
      desired: () => this.#desired.compile(),
      log,
      onChanged: (change) => metrics.changed('flows', change),
    });
    this.#rules = new HostRulesSync({
      node,
      proxy: config.proxy.mode,
      log,
      onChanged: (change) => metrics.changed('host rules', change),
    });
    this.#session = new SwitchSession({
      flows: this.#flows,
      known: () => this.#knownPorts(),
      onForeign: () => {
        this.#flows.distrust();
        this.#lookAtFlows();
      },
      clock: options.clock,
      log,
      signal: this.#signal,
    });
    const control = () => this.#controlPath();
    this.#neighbours = new TunnelNeighbours({ netlink, control, log });
    const conntrack = new ServiceConntrack(node.datapath, {
      control,
      flush: (zone, direction, source) => this.#flush(zone, direction, source),
    });
    this.wiring = {
      node,
      ovs,
      netlink,
      log,
      leases: new Leases(config.cni.leases, { subnet: node.subnet, log }),
      queue: new KeyedQueue(),
      vnidOf: (namespace, signal) => awaitVnid(cluster.netNamespaces, namespace, { signal }),
      syncFlows: (signal) => this.#session.synced(signal),
      whyNotCarried: (ip) => this.#desired.whyNotCarried(ip),
      installedFlows: () => this.#flows.installed,
      whyNotReady: () => this.#whyNotReady(),
      detaching: this.#desired.detaching,
      flushConntrack: (ip, signal) => raced(conntrack.flush(ip), signal),
    };
    this.#vanished = new VanishedSandboxes(this.wiring);
    this.#hostNetwork = new HostNetwork(netlink, node);
    this.#strayPorts = new StrayPorts({ log });
  }

  /** Resolves when the node carries packets: guards first, then flows. Rejects with what must be mended first. */
  async started(): Promise<void> {
    const { config, node, cluster, ovs, netlink, log, clock, random } = this.#options;
    await ovs.connected({ signal: this.#signal });
    checkNodeLink(netlink, ovs.cache, config.nodeName, node);
    this.#adoptPods();
    await ensureSwitchObjects(ovs, node, this.#signal);
    this.#hostNetwork.reconcile(this.#podLinks());
    // One reading of the rules serves both.
    await this.#prepareForwarding();
    await this.#rules.reconcile(this.#signal);
    const first = Promise.withResolvers<void>();
    this.#connecting = keepConnected({
      path: join(config.openvswitch.runDirectory, `${BRIDGE}.mgmt`),
      signal: this.#signal,
      log,
      clock,
      random,
      onConnected: async (connection, ended) => {
        await this.#onSwitch(connection, ended);
        first.resolve();
      },
    });
    this.#forwarding?.start();
    await Promise.race([first.promise, this.#connecting]);
    this.#signal.throwIfAborted();
    this.#listening.push(
      cluster.hostSubnets.onChange(() => {
        this.#desired.heardOfNodes();
        this.#lookAtFlows();
        void this.#refreshNeighbours();
      }),
      cluster.netNamespaces.onChange(() => this.#lookAtServiceFlows()),
      cluster.services.onChange(() => this.#lookAtServiceFlows()),
      ovs.cache.onChange(() => {
        this.#lookAtFlows();
        void this.#lookAtPorts();
      }),
    );
    this.#ended = Promise.all([this.#repeat(() => this.#hostPass()), this.#repeat((count) => this.#switchPass(count))]);
  }

  /** How it stands, for those who ask. */
  look(): NodeView {
    const { node, cluster, ovs } = this.#options;
    return {
      node,
      cluster,
      ovs,
      connection: this.#session.connection,
      notReady: this.#whyNotReady(),
      desiredFlows: this.#flows.wanted,
      leases: this.wiring.leases.all.size,
      iptables: this.#rules.variant,
      otherIptablesRules: this.#rules.otherVariantRules,
      services: this.#forwarding?.look(),
      guardDrops: () => this.#rules.guardDrops(),
      control: () => this.#controlPath(),
    };
  }

  /** One more thing to keep in each full pass. */
  alsoKeep(what: string, step: () => Promise<void>): void {
    this.#also.set(what, step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const listening of this.#listening) listening[Symbol.dispose]();
    await this.#forwarding?.[Symbol.asyncDispose]();
    await this.#connecting;
    await this.#ended;
    this.#hostNetwork[Symbol.dispose]();
    this.#rules[Symbol.dispose]();
  }

  async #onSwitch(connection: SwitchConnection, ended: AbortSignal): Promise<void> {
    this.#desired.heard();
    await this.#session.begin(connection, ended);
    this.#options.metrics.connected('vswitchd');
    await this.#refreshNeighbours();
  }

  /** The ports that flows name. Others may have names that OpenFlow cuts off. */
  #knownPorts(): KnownPort[] {
    const { cache } = this.#options.ovs;
    const pods = new Set(this.#podLinks());
    return cache.interfacesOf(BRIDGE).filter(({ name }) => name in OF_PORT || pods.has(name));
  }

  /** Looks again and again, at once and then after each pause, until told to stop. */
  async #repeat(pass: (count: number) => Promise<void>): Promise<void> {
    for (let count = 0; !this.#signal.aborted; count++) {
      await pass(count);
      await this.#options.clock.sleep(FULL_PASS_MS, this.#signal).catch(() => {});
    }
  }

  /** The switch's database knows which pods are here: none of their addresses may be given away, lease or not. */
  #adoptPods(): void {
    const { node, ovs, log } = this.#options;
    for (const { attachment, pod, netns, ip } of wiredPods(ovs.cache)) {
      const facts = { pod: `${pod.namespace}/${pod.name}`, ip: ip.toString() };
      if (!isPodAddress(node.subnet, ip)) log.warn('pod outside of the subnet', { ...facts, remedy: 'delete the pod' });
      else if (!this.wiring.leases.adopt({ attachment, pod, netns, network: '' }, ip)) {
        log.warn('address leased to another', { ...facts, remedy: 'delete both pods: neither gets flows' });
      }
    }
  }

  /** Services will be forwarded, unless that is another's business. */
  async #prepareForwarding(): Promise<void> {
    const { netlink, ...options } = this.#options;
    const { config, node, log } = options;
    const rules = await this.#rules.installed(this.#signal);
    if (config.proxy.mode === 'none') {
      const proxy = { ...node, name: config.nodeName, nodePortAddresses: [] };
      const others = { proxy: config.proxy.mode, node: proxy, rules, netfilter: NETFILTER, log };
      return await this.#steps.run('other rules of services', () => removeOtherRules(others, this.#signal));
    }
    this.#forwarding = new ServiceForwarding({
      ...options,
      rules,
      portals: (setPortal) => openUnidler({ ...options, gateway: node.gateway, setPortal, signal: this.#signal }),
      flows: {
        synced: (signal) => this.#session.synced(signal),
        heardOfServices: () => this.#lookAtServiceFlows(),
      },
      localAddresses: () => netlink.addresses().map(({ address }) => address),
      steps: this.#steps,
      signal: this.#signal,
    });
  }

  /** What needs the kernel only: the guards are kept also while Open vSwitch does not answer. */
  async #hostPass(): Promise<void> {
    const { config, node, cluster, metrics, log } = this.#options;
    await this.#steps.run('own subnet', () => checkNodeStays(config.nodeName, node, cluster));
    await this.#steps.run('cluster network', () => checkClusterStays(node, cluster));
    await this.#steps.run('host rules', () => this.#rules.reconcile(this.#signal));
    await this.#steps.run('host network', () => {
      const mended = this.#hostNetwork.reconcile(this.#podLinks());
      for (const reason of mended) log.info('host network mended', { reason });
      if (mended.length > 0) metrics.changed('host network', { changed: mended.length });
    });
    for (const [what, step] of this.#also) await this.#steps.run(what, step);
  }

  /** What needs Open vSwitch. */
  async #switchPass(pass: number): Promise<void> {
    await this.#lookAtPorts();
    await this.#steps.run('fragment mode', () => this.#session.keepFragmentMode());
    await this.#steps.run('flows', () => {
      if (!this.#session.isMonitored || pass % PASSES_PER_DUMP === 0) {
        this.#desired.heardOfNodes();
        this.#desired.heardOfServices();
        this.#flows.distrust();
      }
      return this.#flows.sync();
    });
    if (pass % PASSES_PER_NEIGHBOURS === 0) await this.#refreshNeighbours();
    if (pass % PASSES_PER_SANDBOX_LOOK === 0)
      await this.#steps.run('vanished sandboxes', () => this.#vanished.detachGone(this.#signal));
  }

  #lookAtFlows(): void {
    this.#desired.heard();
    void this.#steps.run('flows', () => this.#flows.sync());
  }

  #lookAtServiceFlows(): void {
    this.#desired.heardOfServices();
    this.#lookAtFlows();
  }

  /** What the switch's database should say. */
  async #portsPass(): Promise<void> {
    const { config, node, ovs } = this.#options;
    await this.#steps.run('switch objects', () => {
      // What is not connected shows the past; nobody need wait for that to be known.
      if (!ovs.isConnected) failAgent('OPEN_VSWITCH_NOT_READY', { database: config.openvswitch.database });
      return ensureSwitchObjects(ovs, node, this.#signal);
    });
    if (!ovs.isConnected) return;
    await this.#steps.run('lost ports', () => restoreLostPorts(this.wiring, this.#signal));
    await this.#steps.run('ports of pods', () => settleOfPorts(ovs, this.#signal));
    await this.#steps.run('stray ports', async () => void (await this.#strayPorts.sweep(ovs, this.#signal)));
  }

  async #refreshNeighbours(): Promise<void> {
    if (this.#options.node.datapath !== 'netdev') return;
    await this.#steps.run('tunnel neighbours', () => this.#neighbours.refresh(this.#desired.peers(), this.#signal));
  }

  /** Why no pod can be wired now. */
  #whyNotReady(): NotReady | undefined {
    const { config, node, ovs } = this.#options;
    const unconnected = () => agentError('OPEN_VSWITCH_NOT_READY', { database: config.openvswitch.database });
    if (this.#session.connection === undefined) return { error: unconnected(), cutsPods: true };
    const none = this.#desired.whyNoneIsCarried;
    if (none !== undefined) return { error: none, cutsPods: true };
    // In userspace ovs-vswitchd itself carries the packets, and stands still until it has its database again.
    return ovs.isConnected ? undefined : { error: unconnected(), cutsPods: node.datapath === 'netdev' };
  }

  /** The host's ends of the pods' links. */
  #podLinks(): string[] {
    return wiredPods(this.#options.ovs.cache).map(({ hostVeth }) => hostVeth);
  }

  async #flush(zone: number, direction: 'orig' | 'reply', { family, value }: Ip): Promise<void> {
    await this.#switchNow().flushConntrack({ zone, [direction]: { src: { family, value } } });
  }

  #switchNow(): SwitchConnection {
    return (
      this.#session.connection ??
      failAgent('OPEN_VSWITCH_NOT_READY', { database: this.#options.config.openvswitch.database })
    );
  }

  async #controlPath(): Promise<string> {
    const { runDirectory, control } = this.#options.config.openvswitch;
    const unnumbered = join(runDirectory, 'ovs-vswitchd.ctl');
    return control ?? (existsSync(unnumbered) ? unnumbered : await vswitchdCtlPath(runDirectory));
  }
}
