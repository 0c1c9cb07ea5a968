import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Ip, type Logger, type Prefix } from '@tenet/std';
import { type Attachment, attachmentKey } from '../cni/attachment.ts';
import { failAgent } from '../errors.ts';
import { firstPodAddress, isPodAddress, nextFree } from './addresses.ts';
import { ATTACHED_LINE, bareLease, type Lease, readLease, writeLease } from './lease-file.ts';
import { appendToFile, createWhole, keepFirstLine, removeFile, replaceFile } from './whole-file.ts';

const CURSOR = 'cursor';
/** Written only to see whether it can be. */
const PROBE = '.probe';

/** Whose lease nobody can say any more: no attachment has an empty id. */
const UNREADABLE: Lease = bareLease({ containerId: '', ifName: '' });

/** What an ADD knows of its lease before it is through. */
export type NewLease = Omit<Lease, 'isAttached'>;

/**
 * The addresses of this node that pods have: one file for each, named by the address, written whole or not at all,
 * so that a lease outlives a kill -9 at any moment. The round-robin cursor stands beside them.
 */
export class Leases {
  readonly #directory: string;
  readonly #subnet: Prefix;
  readonly #log: Logger;
  readonly #leases = new Map<string, Lease>();
  /** The address of each attachment. */
  readonly #ips = new Map<string, Ip>();
  #cursor: Ip;

  /**
   * Reads what is there. An address whose lease says nothing stays taken, and the log says what to do about it. Of two
   * leases of one attachment, that of which the runtime was told is kept; while nobody can say which, both are.
   */
  constructor(directory: string, { subnet, log }: { readonly subnet: Prefix; readonly log: Logger }) {
    this.#directory = directory;
    this.#subnet = subnet;
    this.#log = log;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) {
      if (name.startsWith('.')) unlinkSync(join(directory, name));
      else if (name !== CURSOR) this.#learn(name);
    }
    this.#cursor = this.#readCursor();
  }

  /** Every lease, by address. */
  get all(): ReadonlyMap<string, Lease> {
    return this.#leases;
  }

  /** The addresses whose leases say nothing: nobody knows whose they are. */
  get unreadable(): Ip[] {
    return [...this.#leases].flatMap(([ip, lease]) => (lease === UNREADABLE && isIp(ip) ? [Ip.parse(ip)] : []));
  }

  /** The address that an attachment has. */
  of(attachment: Attachment): Ip | undefined {
    return this.#ips.get(attachmentKey(attachment));
  }

  /** All that are leased to an attachment: more than one only when the directory was tampered with or restored. */
  addressesOf(attachment: Attachment): Ip[] {
    const key = attachmentKey(attachment);
    return [...this.#leases].flatMap(([ip, lease]) => (attachmentKey(lease.attachment) === key ? [Ip.parse(ip)] : []));
  }

  /** What is remembered of an attachment's address. */
  leaseOf(attachment: Attachment): Lease | undefined {
    const ip = this.of(attachment);
    return ip && this.#leases.get(ip.toString());
  }

  /**
   * Leases the requested address, or the next free one in round-robin order; one that the attachment already has is
   * its again, and ADDRESS_HELD when it asks for another, since its port may still lead to the first. SUBNET_FULL,
   * ADDRESS_TAKEN or ADDRESS_NOT_HERE when that cannot be, LEASE_NOT_WRITTEN when the disk would not: then nothing is
   * leased.
   */
  acquire(wanted: NewLease, requested?: Ip): Ip {
    for (;;) {
      const held = this.of(wanted.attachment);
      if (held !== undefined) {
        if (requested !== undefined && !held.equals(requested))
          failAgent('ADDRESS_HELD', {
            owner: attachmentKey(wanted.attachment),
            ip: `${held}`,
            requested: `${requested}`,
          });
        this.#renew(held, wanted);
        return held;
      }
      const ip = this.#choose(requested);
      // Moved first: whatever happens then costs nothing but an address that is passed over.
      if (requested === undefined) this.#moveCursor(ip);
      if (this.#create(ip, { ...wanted, isAttached: false })) return ip;
      // Somebody put a file there behind our back: what it says counts, as after a restart.
      this.#learn(ip.toString());
    }
  }

  /** Throws LEASE_NOT_WRITTEN when no lease can be written. */
  checkWritable(): void {
    replaceFile(this.#path(PROBE), '');
    removeFile(this.#path(PROBE));
  }

  /** Notes that the ADD is through. */
  markAttached(ip: Ip): void {
    const lease = this.#leases.get(ip.toString());
    if (lease === undefined || lease.isAttached) return;
    appendToFile(this.#path(ip.toString()), ATTACHED_LINE);
    this.#remember(ip.toString(), { ...lease, isAttached: true });
  }

  /** Notes that a DEL has begun: from now on nobody may take what is missing of the pod for lost. */
  markLeaving(attachment: Attachment): void {
    for (const ip of this.addressesOf(attachment).map(String)) {
      const lease = this.#leases.get(ip);
      if (lease?.isAttached !== true) continue;
      keepFirstLine(this.#path(ip));
      this.#remember(ip, { ...lease, isAttached: false });
    }
  }

  /**
   * Makes sure that a pod which the switch knows has its lease, with all that the switch knows of it, and no other; false
   * when another attachment holds the address. A pod whose ADD was through with another address than the switch says
   * keeps that: then it is the port that has to be mended.
   */
  adopt(wired: NewLease, ip: Ip): boolean {
    const there = this.#leases.get(ip.toString());
    const owner = there === undefined || there === UNREADABLE ? undefined : attachmentKey(there.attachment);
    if (owner !== undefined && owner !== attachmentKey(wired.attachment)) return false;
    const others = this.addressesOf(wired.attachment).filter((other) => !other.equals(ip));
    if (owner === undefined && others.some((other) => this.#leases.get(other.toString())?.isAttached)) return true;
    // The older form did not tell the sandbox.
    if (owner === undefined || there?.netns === '') this.#rewrite(ip, { ...wired, isAttached: true });
    for (const other of others) this.#drop(other);
    this.#ips.set(attachmentKey(wired.attachment), ip);
    return true;
  }

  /** Frees an address; false when it was free. */
  release(ip: Ip): boolean {
    const name = ip.toString();
    const lease = this.#leases.get(name);
    if (lease === undefined) return false;
    removeFile(this.#path(name));
    this.#leases.delete(name);
    if (this.of(lease.attachment)?.equals(ip) === true) {
      const [other] = this.addressesOf(lease.attachment);
      if (other === undefined) this.#ips.delete(attachmentKey(lease.attachment));
      else this.#ips.set(attachmentKey(lease.attachment), other);
    }
    return true;
  }

  /** An address that can be leased now: the requested one, or the next. */
  #choose(requested: Ip | undefined): Ip {
    const subnet = this.#subnet.toString();
    if (requested === undefined) {
      const next = nextFree(this.#subnet, this.#cursor, (candidate) => this.#leases.has(candidate.toString()));
      return next ?? failAgent('SUBNET_FULL', { subnet, leases: this.#leases.size });
    }
    const ip = requested.toString();
    if (!isPodAddress(this.#subnet, requested)) failAgent('ADDRESS_NOT_HERE', { ip, subnet });
    const other = this.#leases.get(ip);
    if (other !== undefined) failAgent('ADDRESS_TAKEN', { ip, owner: attachmentKey(other.attachment) });
    return requested;
  }

  /** The call of a repeated ADD may know more, or the sandbox by another path. */
  #renew(ip: Ip, wanted: NewLease): void {
    const there = this.#leases.get(ip.toString());
    if (there === undefined || writeLease({ ...there, ...wanted }) === writeLease(there)) return;
    this.#rewrite(ip, { ...there, ...wanted });
  }

  #create(ip: Ip, lease: Lease): boolean {
    const isNew = createWhole(this.#path(ip.toString()), writeLease(lease));
    if (isNew) this.#remember(ip.toString(), lease);
    return isNew;
  }

  #rewrite(ip: Ip, lease: Lease): void {
    replaceFile(this.#path(ip.toString()), writeLease(lease));
    this.#remember(ip.toString(), lease);
  }

  #remember(name: string, lease: Lease): void {
    this.#leases.set(name, lease);
    if (lease !== UNREADABLE) this.#ips.set(attachmentKey(lease.attachment), Ip.parse(name));
  }

  /** Takes note of a file that is there. */
  #learn(name: string): void {
    const lease = this.#read(name);
    const twin = this.of(lease.attachment);
    this.#remember(name, lease);
    const wasAttached = twin && this.#leases.get(twin.toString())?.isAttached;
    if (twin === undefined || wasAttached === lease.isAttached) return;
    this.#drop(lease.isAttached ? twin : Ip.parse(name));
  }

  /** Frees an address whose attachment has another. */
  #drop(ip: Ip): void {
    const lease = this.#leases.get(ip.toString());
    if (lease === undefined) return;
    const { containerId, ifName } = lease.attachment;
    const facts = { ip: ip.toString(), containerId, interface: ifName };
    try {
      this.release(ip);
      this.#log.info('second lease of an attachment removed', facts);
    } catch (error) {
      // It stays taken until the pod goes, which does no harm; to stop here would.
      this.#log.warn('second lease of an attachment not removed', { ...facts, error });
    }
  }

  #moveCursor(ip: Ip): void {
    replaceFile(this.#path(CURSOR), `${ip}\n`);
    this.#cursor = ip;
  }

  #read(name: string): Lease {
    const path = this.#path(name);
    const lease = isIp(name) ? readLease(textOf(path)) : undefined;
    if (lease !== undefined) return lease;
    this.#log.warn('lease unreadable', { path, remedy: `remove ${path} if no pod has that address` });
    return UNREADABLE;
  }

  #readCursor(): Ip {
    try {
      const ip = Ip.parse(textOf(this.#path(CURSOR)).trim());
      if (this.#subnet.contains(ip)) return ip;
    } catch {
      // No cursor, or one that says nothing: begin at the start, which costs nothing but early reuse.
    }
    return firstPodAddress(this.#subnet).plus(-1);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

/** What a file says; nothing when it is none, or the disk went bad. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isIp(text: string): boolean {
  try {
    return Ip.parse(text).toString() === text;
  } catch {
    return false;
  }
}
