import type { KubeClient } from '@tenet/kube';
import type { NodeNetwork } from '@tenet/pipeline';
import { IptablesPlanner, NftablesPlanner, type ProxiedPort, type ServiceTable } from '@tenet/proxy';
import { type Clock, type Ip, type Logger, sentenceOf, type TenetError } from '@tenet/std';
import type { AgentConfig } from '../config.ts';
import { agentError } from '../errors.ts';
import type { InstalledRules } from '../host/installed-rules.ts';
import { NETFILTER } from '../host/iptables-variants.ts';
import type { AgentMetrics } from '../metrics/agent-metrics.ts';
import { type ProxyCounts, ProxyMetrics } from '../metrics/proxy-metrics.ts';
import { raced } from '../raced.ts';
import type { Steps } from '../steps.ts';
import type { Cluster } from '../watch-cluster.ts';
import { HealthChecks } from './health-checks.ts';
import { iptablesAccess } from './iptables-access.ts';
import { KeptRules } from './kept-rules.ts';
import { nftablesAccess } from './nftables-access.ts';
import { removeOtherRules } from './other-rules.ts';
import { type HeardChanges, ProxiedServices } from './proxied-services.ts';
import type { RulesAccess } from './rules-access.ts';
import { StaleConntrack } from './stale-conntrack.ts';
import { SyncLoop } from './sync-loop.ts';
import { TokenBucket } from './token-bucket.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

/** Holds the clients of services that sleep: it is shown the ports before rules are planned, and when rules are installed. */
export interface Portals extends Disposable {
  look(ports: Ports): void;
  installed(ports: Ports): void;
}

export interface ServiceForwardingOptions {
  readonly config: Pick<AgentConfig, 'nodeName' | 'proxy'>;
  readonly node: NodeNetwork;
  readonly cluster: Pick<Cluster, 'services' | 'endpointSlices' | 'ownNode' | 'netNamespaces'>;
  /** Asked whose pods hand-made endpoints are. */
  readonly client: Pick<KubeClient, 'list'>;
  readonly rules: Pick<InstalledRules, 'variant' | 'look' | 'onRead' | 'turn' | 'glance'>;
  /** Given what tells the table where the clients of a port are to be held. */
  readonly portals?: (setPortal: ServiceTable['setPortal']) => Portals;
  readonly flows: {
    /** Resolves when the switch has the flows of all services. */
    synced(signal: AbortSignal): Promise<void>;
    /** Flows of services that rules no longer lead to may go. */
    heardOfServices(): void;
  };
  /** The node's own addresses. */
  readonly localAddresses: () => readonly Ip[];
  readonly steps: Steps;
  readonly metrics: AgentMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** How the forwarding of services stands. */
export interface ServicesView {
  readonly backEnd: 'iptables' | 'nftables';
  readonly counts: ProxyCounts;
  /** When the rules were last known to be what they should be, in milliseconds since the epoch. */
  readonly lastSyncMs: number | undefined;
  /** Why services are not forwarded as they should be; undefined when they are. */
  readonly unready: TenetError | undefined;
  /** The same when it lasts for long, and nothing that fails says it. */
  readonly problem: TenetError | undefined;
}

/** Failing for longer than this is no hiccup such as a lock that another program holds. */
const FAILING_MS = 5_000;
/** A start that has not come to an end after this time is a problem; ten thousand services take less. */
const LATE_MS = 15_000;
/** The switch may be away, and then no pod reaches a service in any case, but the node itself does. */
const FLOWS_WITHIN_MS = 2_000;
/** The step's name in logs, metrics and the status. */
const STEP = 'services';

/**
 * Forwards services: brings the ports of the table into the kernel, in order and as fast as they change, and keeps them
 * there. Nothing is written before all services and endpoints have been heard, so that a start takes nothing away that
 * is still wanted; a lost API server changes nothing.
 */
export class ServiceForwarding implements AsyncDisposable {
  readonly #options: ServiceForwardingOptions;
  readonly #services: ProxiedServices;
  readonly #access: RulesAccess;
  readonly #rules: KeptRules;
  readonly #stale: StaleConntrack;
  readonly #health: HealthChecks;
  readonly #portals: Portals | undefined;
  readonly #bucket: TokenBucket;
  readonly #metrics: ProxyMetrics;
  readonly #loop: SyncLoop;
  #ended: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #heardFromMs: number;
  #isSynced = false;
  /** The ports whose rules were in the kernel last, and the services that they are of, once somebody has asked. */
  #installed: Ports = new Map();
  #forwarded: ReadonlySet<string> | undefined;
  #lastSyncMs: number | undefined;
  #areOthersGone = false;
  /** Changes that are taken from the table and not yet in the kernel. */
  #inHand: HeardChanges = NO_CHANGES;

  constructor(options: ServiceForwardingOptions) {
    const { config, node, cluster, client, rules, portals, localAddresses, metrics, log, clock, random } = options;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#heardFromMs = clock.nowMs();
    this.#loop = new SyncLoop({ pass: () => this.#look(), clock, random, signal: this.#signal });
    const { nodeName, proxy } = config;
    const { nodePortAddresses, syncsPerSecond, syncBurst } = proxy;
    this.#services = new ProxiedServices({
      ...{ nodeName, node, nodePortAddresses, cluster, client, log, clock },
      onChange: () => this.#loop.hear(),
      signal: this.#signal,
    });
    this.#metrics = new ProxyMetrics(metrics.registry, () => this.#counts());
    const planner = { node: this.#services.node };
    const isNft = proxy.mode === 'nftables';
    this.#access = isNft ? nftablesAccess() : iptablesAccess(rules);
    this.#rules = new KeptRules({
      access: this.#access,
      planner: isNft ? new NftablesPlanner(planner) : new IptablesPlanner(planner),
      nowMs: () => performance.now(),
      onForeign: () => this.#foreign(),
    });
    this.#stale = new StaleConntrack({ serviceNetwork: node.serviceNetwork, localAddresses, log });
    this.#health = new HealthChecks({ isHealthy: () => this.#unready() === undefined, log });
    this.#portals = portals?.((key, at) => this.#services.table.setPortal(key, at));
    this.#bucket = new TokenBucket({ perSecond: syncsPerSecond, burst: syncBurst });
  }

  /** From now on services are forwarded; nobody waits until they are. */
  start(): void {
    this.#ended = this.#run();
  }

  /** Whether rules of this node lead clients to endpoints of a service, `namespace/name`. */
  isForwarded(service: string): boolean {
    return this.#forwardedServices().has(service);
  }

  look(): ServicesView {
    const { clock, metrics } = this.#options;
    const unready = this.#unready();
    const isFailing = metrics.steps.states.get(STEP)?.failure !== undefined;
    const isLate = !isFailing && clock.nowMs() - this.#heardFromMs > LATE_MS;
    return {
      backEnd: this.#access.backEnd,
      counts: this.#counts(),
      lastSyncMs: this.#lastSyncMs,
      unready,
      problem: isLate ? unready : undefined,
    };
  }

  /** What is in the kernel stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    this.#services[Symbol.dispose]();
    this.#portals?.[Symbol.dispose]();
    this.#rules[Symbol.dispose]();
    this.#access[Symbol.dispose]();
    await this.#health[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    try {
      await raced(this.#services.synced(), this.#signal);
    } catch {
      // Only the end of the daemon ends the wait for a first list.
      return;
    }
    this.#isSynced = true;
    await this.#loop.run();
  }

  /** False when it failed. */
  async #look(): Promise<boolean> {
    let isDone = false;
    await this.#options.steps.run(STEP, async () => {
      await this.#pass();
      isDone = true;
    });
    if (!isDone && !this.#signal.aborted) this.#metrics.failed();
    return isDone;
  }

  async #pass(): Promise<void> {
    const { steps, clock } = this.#options;
    this.#rules.verify(this.#signal);
    let ports = await this.#ports();
    if (!this.#rules.isKept(ports)) {
      const waitMs = this.#bucket.take(performance.now());
      if (waitMs > 0) {
        await clock.sleep(waitMs, this.#signal);
        ports = await this.#ports();
      }
      await this.#bring(ports);
    }
    this.#done(ports);
    await steps.run('stale connections', () => void this.#stale.end(ports));
    await steps.run('health checks', () => this.#health.keep(this.#services.table.healthChecks().values()));
    if (!this.#areOthersGone) await steps.run('other rules of services', () => this.#removeOthers());
  }

  /** The ports as they should be now, with the portals of those that sleep. */
  async #ports(): Promise<Ports> {
    const { table } = this.#services;
    const { count, slicesMs } = this.#services.take();
    this.#inHand = { count: this.#inHand.count + count, slicesMs: [...this.#inHand.slicesMs, ...slicesMs] };
    if (this.#portals !== undefined) await this.#options.steps.run('portals', () => this.#portals?.look(table.ports()));
    return table.ports();
  }

  async #bring(ports: Ports): Promise<void> {
    const { metrics, log } = this.#options;
    const startedMs = performance.now();
    if (hasNew(ports, this.#installed)) await this.#flowsFirst();
    const { isFull, added, removed, pieces } = await this.#rules.keep(ports, this.#signal);
    if (pieces === 0) return;
    const ms = Math.round(performance.now() - startedMs);
    const kind = isFull ? 'full' : 'partial';
    this.#metrics.changed(this.#rules.backEnd, { kind, seconds: ms / 1_000, added, removed });
    metrics.changed(STEP, { added, removed });
    log.info('services reconciled', { added, removed, ms });
  }

  /** Rules would lead clients to where no flow leads on. */
  async #flowsFirst(): Promise<void> {
    const { flows, log } = this.#options;
    const soon = AbortSignal.any([this.#signal, AbortSignal.timeout(FLOWS_WITHIN_MS)]);
    // Why there are none is the switch's passes to report.
    await flows.synced(soon).catch((error) => log.debug('rules before flows', { error: sentenceOf(error) }));
  }

  /** The rules of these ports are in the kernel. */
  #done(ports: Ports): void {
    const { flows, clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#lastSyncMs = nowMs;
    this.#metrics.succeeded(nowMs);
    for (const changedMs of this.#inHand.slicesMs)
      if (changedMs >= this.#heardFromMs) this.#metrics.programmed(Math.max(0, nowMs - changedMs) / 1_000);
    this.#inHand = NO_CHANGES;
    this.#portals?.installed(ports);
    if (ports === this.#installed) return;
    const isGone = this.#installed.keys().some((key) => !ports.has(key));
    this.#installed = ports;
    this.#forwarded = undefined;
    if (isGone) flows.heardOfServices();
  }

  async #removeOthers(): Promise<void> {
    const { config, rules, log } = this.#options;
    const options = { proxy: config.proxy.mode, node: this.#services.node, rules, netfilter: NETFILTER, log };
    await removeOtherRules(options, this.#signal);
    this.#areOthersGone = true;
  }

  #foreign(): void {
    this.#metrics.foreign();
    this.#loop.hear();
  }

  #unready(): TenetError | undefined {
    const { metrics, clock } = this.#options;
    if (!this.#isSynced) return agentError('SERVICES_NOT_HEARD', {});
    const { failure } = metrics.steps.states.get(STEP) ?? {};
    if (failure !== undefined && (this.#lastSyncMs === undefined || clock.nowMs() - failure.sinceMs > FAILING_MS))
      return agentError('SERVICES_NOT_FORWARDED', { reason: failure.sentence, remedy: failure.remedy });
    return this.#lastSyncMs === undefined ? agentError('SERVICES_NOT_YET_FORWARDED', {}) : undefined;
  }

  #forwardedServices(): ReadonlySet<string> {
    const nameOf = ({ namespace, service }: ProxiedPort) => `${namespace}/${service}`;
    this.#forwarded ??= new Set(this.#installed.values().map(nameOf));
    return this.#forwarded;
  }

  #counts(): ProxyCounts {
    let endpoints = 0;
    for (const { clusterEndpoints, localEndpoints } of this.#installed.values())
      endpoints += Math.max(clusterEndpoints.length, localEndpoints.length);
    const pending = this.#services.pending + this.#inHand.count;
    return { services: this.#forwardedServices().size, ports: this.#installed.size, endpoints, pending };
  }
}

const NO_CHANGES: HeardChanges = { count: 0, slicesMs: [] };

/** Whether a port asks for flows that those of before did not need. */
function hasNew(ports: Ports, before: Ports): boolean {
  for (const [key, port] of ports) {
    const old = before.get(key);
    if (old === port) continue;
    if (old?.port !== port.port || old.protocol !== port.protocol || !old.clusterIp.equals(port.clusterIp)) return true;
  }
  return false;
}
