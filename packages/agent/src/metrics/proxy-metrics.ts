import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the forwarding of services stands at, for those who ask. */
export interface ProxyCounts {
  readonly services: number;
  readonly ports: number;
  readonly endpoints: number;
  /** Changes of services and endpoint slices that are not yet in the kernel. */
  readonly pending: number;
}

/** From one changed endpoint to a first sync of ten thousand services. */
const SYNC_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const PROGRAMMING_BUCKETS_S = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What the forwarding of services tells of its work, as it happens. */
export class ProxyMetrics {
  readonly #syncs: Histogram;
  readonly #programming: Histogram;
  readonly #failures: Counter;
  readonly #changes: Counter;
  readonly #readings: Counter;
  readonly #lastSuccess: Gauge;

  constructor(registry: Registry, counts: () => ProxyCounts) {
    const registers = [registry];
    this.#syncs = new Histogram({
      name: 'tenet_proxy_sync_duration_seconds',
      help: 'How long it took to bring changes of services into the kernel; full is the first sync and each after a reading that found the rules changed.',
      labelNames: ['kind'],
      buckets: SYNC_BUCKETS_S,
      registers,
    });
    this.#programming = new Histogram({
      name: 'tenet_proxy_network_programming_duration_seconds',
      help: 'From the change of an endpoint, as its controller states it or as it was heard, to its rules in the kernel.',
      buckets: PROGRAMMING_BUCKETS_S,
      registers,
    });
    this.#failures = new Counter({
      name: 'tenet_proxy_sync_failures_total',
      help: 'Attempts to bring services into the kernel that failed and are repeated.',
      registers,
    });
    this.#changes = new Counter({
      name: 'tenet_proxy_rules_changed_total',
      help: 'Rules, chains and elements of services that were written, by back end.',
      labelNames: ['backend', 'change'],
      registers,
    });
    this.#readings = new Counter({
      name: 'tenet_proxy_foreign_changes_total',
      help: 'Readings that found rules of services changed by others.',
      registers,
    });
    this.#lastSuccess = new Gauge({
      name: 'tenet_proxy_last_success_timestamp_seconds',
      help: 'When the rules of services were last known to be what they should be.',
      registers,
    });
    const gauges = {
      services: 'Services whose ports this node forwards.',
      ports: 'Ports of services that this node forwards.',
      endpoints: 'Endpoints that this node forwards to, each once for each port.',
      pending: 'Changes of services and endpoint slices that are not yet in the kernel.',
    } satisfies Record<keyof ProxyCounts, string>;
    for (const [count, help] of Object.entries(gauges) as [keyof ProxyCounts, string][]) {
      const name = `tenet_proxy_${count === 'pending' ? 'changes_pending' : count}`;
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(counts()[count]);
        },
      });
    }
  }

  /** The rules are what they should be; `change` when something had to be written for it. */
  succeeded(atMs: number): void {
    this.#lastSuccess.set(atMs / 1_000);
  }

  changed(backend: string, { kind, seconds, added, removed }: ProxyChange): void {
    this.#syncs.observe({ kind }, seconds);
    this.#changes.inc({ backend, change: 'added' }, added);
    this.#changes.inc({ backend, change: 'removed' }, removed);
  }

  failed(): void {
    this.#failures.inc();
  }

  foreign(): void {
    this.#readings.inc();
  }

  programmed(seconds: number): void {
    this.#programming.observe(seconds);
  }
}

/** Something that was written. */
export interface ProxyChange {
  readonly kind: 'full' | 'partial';
  readonly seconds: number;
  readonly added: number;
  readonly removed: number;
}
