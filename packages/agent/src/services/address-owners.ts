import { type Clock, type Ip, type Logger, sentenceOf } from '@tenet/std';

export interface AddressOwnersOptions {
  /** The projects of the pods that have an address now. */
  readonly find: (ip: Ip) => Promise<readonly string[]>;
  /** Hears who needs an address of which something else is known now. */
  readonly onChange: (users: Iterable<string>) => void;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Nothing is asked any more. */
  readonly signal: AbortSignal;
}

/** An address that somebody needs. */
interface Entry {
  readonly ip: Ip;
  readonly users: Set<string>;
  /** Undefined until the first answer. */
  projects: readonly string[] | undefined;
  /** It waits for its turn, or for an answer. */
  isAsked: boolean;
}

/** However many addresses somebody names, the API server is asked about so many at a time. */
const AT_ONCE = 4;
/** Addresses are given to other pods. */
const ASK_AGAIN_MS = 10_000;
/** A question that failed holds up the next one for so long. */
const PAUSE_MS = 1_000;

/**
 * Knows whose pods have the addresses that somebody needs: asks for each at once, and again from time to time. What was
 * answered stays while the API server does not answer.
 */
export class AddressOwners {
  readonly #options: AddressOwnersOptions;
  readonly #entries = new Map<string, Entry>();
  /** What each user needs. */
  readonly #needs = new Map<string, ReadonlyMap<string, Ip>>();
  readonly #queue = new Set<Entry>();
  /** Of which nobody has answered yet, nor refused to. */
  readonly #untried = new Set<Entry>();
  #tried = Promise.withResolvers<void>();
  #underWay = 0;
  #isAskingAgain = false;
  #isFailing = false;

  constructor(options: AddressOwnersOptions) {
    this.#options = options;
  }

  /** The projects of the pods that have the address; undefined while that is not known, or nobody needs it. */
  get(address: string): readonly string[] | undefined {
    return this.#entries.get(address)?.projects;
  }

  /** From now on the user needs these addresses, by their text, and no others. */
  setNeeds(user: string, needs: ReadonlyMap<string, Ip>): void {
    const before = this.#needs.get(user) ?? NONE;
    if (needs.size > 0) this.#needs.set(user, needs);
    else this.#needs.delete(user);
    for (const address of before.keys()) if (!needs.has(address)) this.#release(address, user);
    for (const [address, ip] of needs) if (!before.has(address)) this.#require(address, { ip, user });
    this.#next();
    if (this.#entries.size > 0 && !this.#isAskingAgain) void this.#askAgain();
  }

  /** Resolves when each address that is needed has been asked for once, with or without an answer. */
  async tried(): Promise<void> {
    while (this.#untried.size > 0) await this.#tried.promise;
  }

  #require(address: string, { ip, user }: { readonly ip: Ip; readonly user: string }): void {
    const known = this.#entries.get(address);
    if (known !== undefined) {
      known.users.add(user);
      return;
    }
    const entry: Entry = { ip, users: new Set([user]), projects: undefined, isAsked: false };
    this.#entries.set(address, entry);
    this.#untried.add(entry);
    this.#ask(entry);
  }

  #release(address: string, user: string): void {
    const entry = this.#entries.get(address);
    entry?.users.delete(user);
    if (entry === undefined || entry.users.size > 0) return;
    this.#entries.delete(address);
    this.#queue.delete(entry);
    this.#try(entry);
  }

  /** Nobody waits for it any more. */
  #try(entry: Entry): void {
    if (!this.#untried.delete(entry) || this.#untried.size > 0) return;
    this.#tried.resolve();
    this.#tried = Promise.withResolvers();
  }

  #ask(entry: Entry): void {
    if (entry.isAsked) return;
    entry.isAsked = true;
    this.#queue.add(entry);
  }

  #next(): void {
    for (const entry of this.#queue) {
      if (this.#underWay >= AT_ONCE || this.#options.signal.aborted) return;
      this.#queue.delete(entry);
      this.#underWay += 1;
      void this.#answer(entry);
    }
  }

  /** Never rejects. */
  async #answer(entry: Entry): Promise<void> {
    const { find, onChange, clock, signal } = this.#options;
    try {
      const projects = await find(entry.ip);
      this.#answers();
      entry.isAsked = false;
      const isSame = projects.join() === entry.projects?.join();
      entry.projects = projects;
      this.#try(entry);
      if (!isSame) onChange(entry.users);
    } catch (error) {
      if (signal.aborted) return;
      this.#fails(error);
      this.#try(entry);
      await clock.sleep(PAUSE_MS, signal).catch(() => {});
      entry.isAsked = false;
      if (entry.users.size > 0) this.#ask(entry);
    } finally {
      this.#underWay -= 1;
      this.#next();
    }
  }

  /** Goes on while anybody needs anything. */
  async #askAgain(): Promise<void> {
    const { clock, signal } = this.#options;
    this.#isAskingAgain = true;
    while (this.#entries.size > 0 && !signal.aborted) {
      // Rejects only when the signal has aborted: then this ends.
      await clock.sleep(ASK_AGAIN_MS, signal).catch(() => {});
      for (const entry of this.#entries.values()) this.#ask(entry);
      this.#next();
    }
    this.#isAskingAgain = false;
  }

  #fails(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log.warn('owners of endpoints are not known', {
      error: sentenceOf(error),
      remedy: 'check the API server, and that the node may list pods',
    });
  }

  #answers(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#options.log.info('owners of endpoints are known again');
  }
}

const NONE: ReadonlyMap<string, Ip> = new Map();
