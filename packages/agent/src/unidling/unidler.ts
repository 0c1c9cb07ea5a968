import type { Service } from '@tenet/model';
import type { Portal, ProxiedPort } from '@tenet/proxy';
import { hasEndpoints, type PortNow, SleepingPort, type SleepingPortOptions } from './sleeping-port.ts';

/** Settings of `Unidler`. */
export interface UnidlerOptions extends Omit<SleepingPortOptions, 'signal'> {
  /** All services by `namespace/name`, as a `WatchCache` has them. */
  readonly services: {
    readonly entries: ReadonlyMap<string, Service>;
    onChange(listener: (changed: ReadonlySet<string>) => void): Disposable;
  };
  /** Told where the clients of a port are to be held, by `namespace/name:portName`; undefined when nowhere any more. */
  readonly setPortal: (key: string, at: Portal | undefined) => void;
}

/**
 * Wakes services that were put to sleep (`oc idle`). While one has no endpoints, the rules lead its clients to a portal
 * of this node, where their connections are held; the first is told of by an Event; and when an endpoint is there,
 * they are joined to it, while new connections go by the rules again.
 *
 * It is level-triggered: each look compares what sleeps with the portals that are open. Nothing of it survives the
 * process: portals are opened anew, and the rules lead there.
 */
export class Unidler implements Disposable {
  readonly #options: UnidlerOptions;
  readonly #life = new AbortController();
  readonly #listening: Disposable;
  /** Services that bear the mark of sleep. */
  readonly #idled = new Set<string>();
  /** By `namespace/name:portName`. */
  readonly #sleeping = new Map<string, SleepingPort>();

  constructor(options: UnidlerOptions) {
    this.#options = options;
    this.#heard(options.services.entries.keys());
    this.#listening = options.services.onChange((changed) => this.#heard(changed));
  }

  /**
   * Takes in what is now: to be called whenever ports or services have changed, before rules are planned, and every
   * second. Costs what sleeps, not what there is. Throws what failed first, when all else is done.
   */
  look(ports: ReadonlyMap<string, ProxiedPort>): void {
    const failures: unknown[] = [];
    for (const [key, sleeping] of this.#sleeping) {
      const now = this.#now(key, ports);
      if (now !== undefined && sleeping.isFor(now)) sleeping.look(now);
      else this.#forget(key);
      if (sleeping.isOver) this.#forget(key);
    }
    for (const service of this.#idled)
      for (const { name } of this.#options.services.entries.get(service)?.ports ?? []) {
        try {
          this.#open(`${service}:${name}`, ports);
        } catch (error) {
          failures.push(error);
        }
      }
    for (const [key, { isHeld, portal }] of this.#sleeping) this.#options.setPortal(key, isHeld ? portal : undefined);
    if (failures.length > 0) throw failures[0];
  }

  /**
   * The rules in the kernel are those for these ports: to be called whenever they have been written, or found to be so.
   * Until then, and a little longer, a portal stays open that is no longer needed: a client may have been led there.
   */
  installed(ports: ReadonlyMap<string, ProxiedPort>): void {
    for (const [key, sleeping] of this.#sleeping)
      sleeping.installed(ports.get(key)?.portal?.port === sleeping.portal.port);
  }

  /** Closes all portals and lets go of all who wait. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#life.abort();
    for (const key of [...this.#sleeping.keys()]) this.#forget(key);
  }

  #heard(changed: Iterable<string>): void {
    for (const key of changed) {
      if (this.#options.services.entries.get(key)?.idledAt === undefined) this.#idled.delete(key);
      else this.#idled.add(key);
    }
  }

  #now(key: string, ports: ReadonlyMap<string, ProxiedPort>): PortNow | undefined {
    const port = ports.get(key);
    const service = port && this.#options.services.entries.get(`${port.namespace}/${port.service}`);
    return port && service && { port, service };
  }

  /** Opens a portal for a port that sleeps and has none. */
  #open(key: string, ports: ReadonlyMap<string, ProxiedPort>): void {
    const now = this.#now(key, ports);
    if (now === undefined || this.#sleeping.has(key) || hasEndpoints(now.port)) return;
    const { protocol } = now.port;
    // Of SCTP nothing can be held: it is refused as every port without endpoints.
    if (protocol === 'sctp') return;
    this.#sleeping.set(key, new SleepingPort(now, protocol, { ...this.#options, signal: this.#life.signal }));
  }

  #forget(key: string): void {
    this.#sleeping.get(key)?.[Symbol.dispose]();
    this.#sleeping.delete(key);
    this.#options.setPortal(key, undefined);
  }
}
