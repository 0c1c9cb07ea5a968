import { deletePorts, type OpenVSwitch, type OvsCache } from '@tenet/ovsdb';
import type { Logger } from '@tenet/std';
import { BRIDGE, HOST_PORT, TUNNEL_PORT, wiredPods } from '../wired-pods.ts';

/** How long a port that nobody knows may stay: who adds one to mirror packets to says so a moment later. */
const GRACE_MS = 500;

/**
 * Takes ports off br0 that are neither ours nor a pod's. They would get no flows; but each holds an OpenFlow number that a
 * pod may be meant to have, and br0 should be what the cluster asks for. A port that a mirror sends to stays: that is
 * somebody looking, as ovs-tcpdump does.
 */
export class StrayPorts {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** When each was first seen. */
  #seenMs = new Map<string, number>();

  /** `nowMs` is of a clock that never jumps. */
  constructor({ log, nowMs = () => performance.now() }: { readonly log: Logger; readonly nowMs?: () => number }) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Removes those that have been there for the grace; resolves with their names. */
  async sweep(ovs: OpenVSwitch, signal: AbortSignal): Promise<readonly string[]> {
    const nowMs = this.#nowMs();
    const here = strayPorts(ovs.cache);
    this.#seenMs = new Map(here.map((name) => [name, this.#seenMs.get(name) ?? nowMs]));
    const gone = here.filter((name) => nowMs - (this.#seenMs.get(name) ?? nowMs) >= GRACE_MS);
    if (gone.length === 0) return gone;
    await deletePorts(ovs, gone, { signal });
    for (const port of gone) {
      this.#log.warn('stray port removed', { interface: port, remedy: `find out who adds ports to ${BRIDGE}` });
    }
    return gone;
  }
}

/** The ports of br0 that are no pod's, not its own three, and no mirror's. */
function strayPorts(cache: OvsCache): string[] {
  const known = new Set([BRIDGE, HOST_PORT, TUNNEL_PORT, ...wiredPods(cache).map(({ hostVeth }) => hostVeth)]);
  const mirrored = new Set([...cache.rows.Mirror.values()].map(({ output_port }) => output_port));
  return cache
    .portsOf(BRIDGE)
    .filter(({ name, _uuid }) => !known.has(name) && !mirrored.has(_uuid))
    .map(({ name }) => name);
}
