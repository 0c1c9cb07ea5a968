/** A replica of our tables of Open_vSwitch, fed by one monitor and kept across connections. */
import { type Logger, SILENT, sentenceOf, type TenetError } from '@tenet/std';
import type { Uuid } from './column.ts';
import { ovsdbError } from './errors.ts';
import { monitorRequests, Replica, type RowChange, type Rows, readUpdates } from './monitor.ts';
import type { OvsdbClient } from './ovsdb-client.ts';
import type { Row } from './tables.ts';
import { type RequestOptions, within } from './within.ts';

/** The database that ovs-vswitchd obeys. */
export const DATABASE = 'Open_vSwitch';

/** Settings of `OvsCache.waitFor`. */
export interface WaitOptions extends RequestOptions {
  /** What is waited for, for the sentence of WAIT_TIMED_OUT. */
  readonly what?: string | undefined;
  /** Makes the error of the deadline instead of WAIT_TIMED_OUT. */
  readonly late?: ((deadlineMs: number) => TenetError) | undefined;
}

/** What is known of the switch. Between connections it keeps the last state, and then emits the difference. */
export class OvsCache {
  readonly #replica = new Replica();
  readonly #listeners = new Set<(changes: readonly RowChange[]) => void>();
  readonly #log: Logger;
  readonly #byName = {
    Bridge: new Map<string, Row<'Bridge'>>(),
    Port: new Map<string, Row<'Port'>>(),
    Interface: new Map<string, Row<'Interface'>>(),
  };
  #version = 0;

  constructor(log: Logger = SILENT) {
    this.#log = log;
  }

  /**
   * Fills itself from this connection and follows it until that ends. A standalone ovsdb-server 3.1 answers
   * `found=false` to every attempt to resume a monitor, so each connection starts one from the beginning.
   */
  async follow(client: Pick<OvsdbClient, 'monitor'>, options?: RequestOptions): Promise<void> {
    await client.monitor(
      DATABASE,
      monitorRequests(),
      (updates, isFirst) => {
        const states = readUpdates(updates);
        this.#changed(isFirst ? this.#replica.replace(states) : this.#replica.apply(states));
      },
      options,
    );
  }

  /** Counts the changes: equal versions have equal contents. */
  get version(): number {
    return this.#version;
  }

  get rows(): Rows {
    return this.#replica.rows;
  }

  /** The only row of Open_vSwitch; undefined before the first `follow` and in a database without `ovs-vsctl init`. */
  get root(): Row<'Open_vSwitch'> | undefined {
    return this.rows.Open_vSwitch.values().next().value;
  }

  bridge(name: string): Row<'Bridge'> | undefined {
    return this.#byName.Bridge.get(name);
  }

  port(name: string): Row<'Port'> | undefined {
    return this.#byName.Port.get(name);
  }

  interface(name: string): Row<'Interface'> | undefined {
    return this.#byName.Interface.get(name);
  }

  /** The ports of a bridge, its local port among them; none when there is no such bridge. */
  portsOf(bridge: string): readonly Row<'Port'>[] {
    return present(this.bridge(bridge)?.ports ?? [], this.rows.Port);
  }

  /** The interfaces of all ports of a bridge. */
  interfacesOf(bridge: string): readonly Row<'Interface'>[] {
    return this.portsOf(bridge).flatMap((port) => present(port.interfaces, this.rows.Interface));
  }

  /** The bridge that holds a port. */
  bridgeOf(port: Row<'Port'>): Row<'Bridge'> | undefined {
    return this.rows.Bridge.values().find((bridge) => bridge.ports.includes(port._uuid));
  }

  /** Calls `listener` after each transaction that changed something, with all that it changed. */
  onChange(listener: (changes: readonly RowChange[]) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Resolves with the first value of `predicate` that is neither undefined nor false, looking now and after each
   * change. Rejects with WAIT_TIMED_OUT, with the signal's reason, or with what `predicate` throws.
   */
  async waitFor<T>(
    predicate: (cache: this) => T | undefined | false,
    { signal, deadlineMs, what = 'the expected state', late = expiry(what) }: WaitOptions = {},
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      try {
        const value = predicate(this);
        if (value !== undefined && value !== false) resolve(value);
      } catch (error) {
        reject(error);
      }
    };
    using _listening = this.onChange(look);
    look();
    return await within(promise, { signal, deadlineMs }, late);
  }

  #changed(changes: readonly RowChange[]): void {
    if (changes.length === 0) return;
    this.#version += 1;
    for (const change of changes) {
      if (change.table === 'Bridge') reindex(this.#byName.Bridge, change);
      else if (change.table === 'Port') reindex(this.#byName.Port, change);
      else if (change.table === 'Interface') reindex(this.#byName.Interface, change);
    }
    for (const listener of [...this.#listeners]) {
      try {
        listener(changes);
      } catch (error) {
        this.#log.error('listener of the switch database failed', { error: sentenceOf(error) });
      }
    }
  }
}

/** A row may vanish in the transaction that brings another of its name, told in any order. */
function reindex<R extends { readonly name: string }>(
  index: Map<string, R>,
  { before, after }: { readonly before: R | undefined; readonly after: R | undefined },
): void {
  if (before !== undefined && index.get(before.name) === before) index.delete(before.name);
  if (after !== undefined) index.set(after.name, after);
}

function present<R>(uuids: readonly Uuid[], rows: ReadonlyMap<Uuid, R>): readonly R[] {
  return uuids.flatMap((uuid) => rows.get(uuid) ?? []);
}

function expiry(what: string): (deadlineMs: number) => TenetError {
  return (deadlineMs) => ovsdbError('WAIT_TIMED_OUT', { what, deadlineMs });
}
