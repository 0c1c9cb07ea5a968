/** Which endpoints the clients of ports with session affinity were seen at, in worlds that follow each other. */
import type { Outcome, Promised } from './service-outcome.ts';

export class AffinityMemory {
  /** By port and client, in this world and in those before. */
  #now = new Map<string, Set<string>>();
  #before = new Map<string, Set<string>>();

  /** Endpoints have changed: clients of one that went may be anywhere, and stay there. */
  startWorld(): void {
    for (const [key, endpoints] of this.#now)
      this.#before.set(key, (this.#before.get(key) ?? new Set<string>()).union(endpoints));
    this.#now = new Map();
  }

  /** Of what is promised without affinity, what remains for this client. */
  narrow(key: string, promised: readonly Promised[]): readonly Promised[] {
    const now = this.#now.get(key) ?? new Set<string>();
    const known = (each: Promised, of: ReadonlySet<string>) => each.kind === 'to' && of.has(`${each.ip}:${each.port}`);
    // A client who may not have any of those is sent to another one, and then has both.
    if (!promised.some((each) => known(each, now))) return promised;
    const all = now.union(this.#before.get(key) ?? new Set<string>());
    return promised.filter((each) => known(each, all));
  }

  note(key: string, outcome: Outcome): void {
    if (outcome.kind !== 'to') return;
    this.#now.set(key, (this.#now.get(key) ?? new Set<string>()).add(`${outcome.ip}:${outcome.port}`));
  }
}
