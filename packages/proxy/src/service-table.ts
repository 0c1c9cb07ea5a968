import type { EndpointSlice, Service } from '@tenet/model';
import { AddressClaims } from './address-claims.ts';
import type { Portal, ProxiedPort, ProxyNode } from './proxied-port.ts';
import { type HealthCheck, proxyService } from './proxy-service.ts';
import { isSamePort, isSameSocket } from './same-port.ts';
import { type IgnoredAddress, serviceAddresses } from './service-addresses.ts';
import { claimsOf } from './service-claims.ts';
import { SnapshotMap } from './snapshot-map.ts';

/**
 * Services and their endpoints as one node forwards them. It is told of objects in any order, and works only when it
 * is asked, then only on the services that it was told something new about: a burst of changes costs one look.
 *
 * The maps that it returns never change afterwards; a later answer is another map, or the same when nothing changed.
 * A port that did not change is the same object in both. The order of entries has no meaning.
 */
export class ServiceTable {
  #node: ProxyNode;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  /** The slices of each service, by key of service and of slice. */
  readonly #slicesOf = new Map<string, Map<string, EndpointSlice>>();
  readonly #portals = new Map<string, Portal>();

  /** Services that were themselves changed, so that they may ask for other addresses. */
  readonly #changed = new Set<string>();
  /** Services of which something changed. */
  readonly #stale = new Set<string>();

  readonly #claims = new AddressClaims();
  readonly #portKeys = new Map<string, readonly string[]>();
  readonly #ports = new SnapshotMap<ProxiedPort>();
  readonly #healthChecks = new SnapshotMap<HealthCheck>();
  readonly #ignored = new Map<string, readonly IgnoredAddress[]>();

  constructor(node: ProxyNode) {
    this.#node = node;
  }

  /** All services are looked at anew. */
  setNode(node: ProxyNode): void {
    if (node === this.#node) return;
    this.#node = node;
    for (const key of this.#services.keys()) this.#changed.add(key);
  }

  /** `key` is `ns/name`; undefined when there is none any more. */
  setService(key: string, value: Service | undefined): void {
    if (this.#services.get(key) === value) return;
    put(this.#services, key, value);
    this.#changed.add(key);
  }

  /** `key` is `ns/name` of the slice; undefined when there is none any more. */
  setSlice(key: string, value: EndpointSlice | undefined): void {
    const before = this.#slices.get(key);
    if (before === value) return;
    put(this.#slices, key, value);
    if (before !== undefined) this.#putSlice(serviceKeyOf(before), key, undefined);
    if (value !== undefined) this.#putSlice(serviceKeyOf(value), key, value);
  }

  /**
   * Where the first clients of a port wait while its service is woken; `key` is `ns/name:portName`. It is used only
   * while the port has no endpoint anywhere, so that taking it away may be late.
   */
  setPortal(key: string, at: Portal | undefined): void {
    const before = this.#portals.get(key);
    if (before === at || (before !== undefined && at !== undefined && isSameSocket(before, at))) return;
    put(this.#portals, key, at);
    // Neither namespace nor name nor the port's name can hold a colon.
    this.#stale.add(key.slice(0, key.indexOf(':')));
  }

  /** Every port that is forwarded, by `ns/name:portName` (`ns/name:` for one without a name). */
  ports(): ReadonlyMap<string, ProxiedPort> {
    this.#refresh();
    return this.#ports.snapshot();
  }

  /** The slices of a service, `ns/name`, whether or not there is one. */
  sliceKeysOf(service: string): readonly string[] {
    return [...(this.#slicesOf.get(service)?.keys() ?? [])];
  }

  /** What load balancers are to be told, by `ns/name` of the service. */
  healthChecks(): ReadonlyMap<string, HealthCheck> {
    this.#refresh();
    return this.#healthChecks.snapshot();
  }

  /** Addresses that objects name and that are not served, in order of the services' keys. */
  ignoredAddresses(): readonly IgnoredAddress[] {
    this.#refresh();
    return [...this.#ignored.keys()].sort().flatMap((key) => this.#ignored.get(key) ?? []);
  }

  #putSlice(serviceKey: string, key: string, value: EndpointSlice | undefined): void {
    const slices = this.#slicesOf.get(serviceKey) ?? new Map<string, EndpointSlice>();
    put(slices, key, value);
    put(this.#slicesOf, serviceKey, slices.size === 0 ? undefined : slices);
    this.#stale.add(serviceKey);
  }

  #refresh(): void {
    for (const key of this.#changed) {
      const service = this.#services.get(key);
      const claims = service === undefined ? [] : claimsOf(service, serviceAddresses(service, this.#node));
      for (const other of this.#claims.replace(key, service?.createdAt ?? '', claims)) this.#stale.add(other);
      this.#stale.add(key);
    }
    this.#changed.clear();
    for (const key of this.#stale) this.#look(key);
    this.#stale.clear();
  }

  /** Makes one service's entries what they should be; an entry that would be the same is left alone. */
  #look(key: string): void {
    const service = this.#services.get(key);
    const { ports, ignored, healthCheck } =
      service === undefined
        ? NOTHING
        : proxyService(service, {
            node: this.#node,
            slices: [...(this.#slicesOf.get(key)?.values() ?? [])],
            portalOf: (portKey) => this.#portals.get(portKey),
            holderOf: (what) => this.#claims.holderOf(what),
          });
    for (const portKey of this.#portKeys.get(key) ?? []) if (!ports.has(portKey)) this.#ports.delete(portKey);
    for (const [portKey, port] of ports) {
      const before = this.#ports.get(portKey);
      if (before === undefined || !isSamePort(before, port)) this.#ports.set(portKey, port);
    }
    put(this.#portKeys, key, ports.size === 0 ? undefined : [...ports.keys()]);
    put(this.#ignored, key, ignored.length === 0 ? undefined : ignored);
    const check = this.#healthChecks.get(key);
    if (healthCheck === undefined) this.#healthChecks.delete(key);
    else if (check?.nodePort !== healthCheck.nodePort || check.localEndpoints !== healthCheck.localEndpoints)
      this.#healthChecks.set(key, healthCheck);
  }
}

const NOTHING = { ports: new Map<string, ProxiedPort>(), ignored: [], healthCheck: undefined };

function serviceKeyOf({ namespace, service }: EndpointSlice): string {
  return `${namespace}/${service}`;
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
