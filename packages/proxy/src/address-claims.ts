/**
 * Who is served when two services ask for the same address and port: rules can lead to one of them only, and which
 * one must not depend on what arrived first. The older service wins, so that nobody takes over what another has
 * published before; of two of an age the first by name.
 */

/** What a service asks for; `what` is an address, or one with protocol and port, as one text. */
export interface Claim {
  readonly what: string;
  /** Who is to have it: the key of the service, or of one of its ports. */
  readonly by: string;
}

interface Claimant {
  readonly service: string;
  readonly by: string;
  readonly createdAt: string;
}

export class AddressClaims {
  /** Best first; almost always one. */
  readonly #claimants = new Map<string, readonly Claimant[]>();
  readonly #claims = new Map<string, readonly Claim[]>();

  /** Who has it. */
  holderOf(what: string): string | undefined {
    return this.#claimants.get(what)?.[0]?.by;
  }

  /**
   * Takes the place of all that the service `ns/name` asked for before; `createdAt` is RFC 3339 in UTC, so that text
   * order is age. Returns the other services that ask for any of it, before or now: for them something may have
   * changed.
   */
  replace(service: string, createdAt: string, claims: readonly Claim[]): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const { what } of this.#claims.get(service) ?? []) {
      const others = (this.#claimants.get(what) ?? []).filter((claimant) => claimant.service !== service);
      for (const other of others) touched.add(other.service);
      if (others.length === 0) this.#claimants.delete(what);
      else this.#claimants.set(what, others);
    }
    for (const { what, by } of claims) {
      const others = this.#claimants.get(what) ?? [];
      for (const other of others) touched.add(other.service);
      this.#claimants.set(what, [...others, { service, by, createdAt }].sort(byAge));
    }
    if (claims.length === 0) this.#claims.delete(service);
    else this.#claims.set(service, claims);
    touched.delete(service);
    return touched;
  }
}

function byAge(a: Claimant, b: Claimant): number {
  return compareText(a.createdAt, b.createdAt) || compareText(a.service, b.service) || compareText(a.by, b.by);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
