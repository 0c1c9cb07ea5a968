import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Ip, type Logger, type Prefix } from '@tenet/std';
import { type Attachment, attachmentKey } from '../cni/attachment.ts';
import { failAgent } from '../errors.ts';
import { firstPodAddress, isPodAddress, nextFree } from './addresses.ts';
import { appendToFile, createDurably, removeFile, replaceFile } from './durable-file.ts';
import { ATTACHED_LINE, bareLease, type Lease, readLease, writeLease } from './lease-file.ts';

const CURSOR = 'cursor';

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
  readonly #leases = new Map<string, Lease>();
  /** The address of each attachment. */
  readonly #ips = new Map<string, Ip>();
  #cursor: Ip;

  /** Reads what is there. An address whose lease says nothing stays taken, and the log says what to do about it. */
  constructor(directory: string, { subnet, log }: { readonly subnet: Prefix; readonly log: Logger }) {
    this.#directory = directory;
    this.#subnet = subnet;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) {
      if (name.startsWith('.')) unlinkSync(join(directory, name));
      else if (name !== CURSOR) this.#remember(name, this.#read(name, log));
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

  /** What is remembered of an attachment's address. */
  leaseOf(attachment: Attachment): Lease | undefined {
    const ip = this.of(attachment);
    return ip && this.#leases.get(ip.toString());
  }

  /**
   * Leases the requested address, or the next free one in round-robin order; one that the attachment already has is
   * its again. SUBNET_FULL, ADDRESS_TAKEN or ADDRESS_NOT_HERE when that cannot be, LEASE_NOT_WRITTEN when the disk
   * would not: then nothing is leased.
   */
  acquire(wanted: NewLease, requested?: Ip): Ip {
    const subnet = this.#subnet.toString();
    const held = this.of(wanted.attachment);
    if (held !== undefined && (requested === undefined || held.equals(requested))) {
      this.#renew(held, wanted);
      return held;
    }
    if (requested !== undefined) {
      if (!isPodAddress(this.#subnet, requested)) failAgent('ADDRESS_NOT_HERE', { ip: requested.toString(), subnet });
      const other = this.#leases.get(requested.toString());
      if (other !== undefined)
        failAgent('ADDRESS_TAKEN', { ip: requested.toString(), owner: attachmentKey(other.attachment) });
    }
    const ip = requested ?? nextFree(this.#subnet, this.#cursor, (candidate) => this.#leases.has(candidate.toString()));
    if (ip === undefined) return failAgent('SUBNET_FULL', { subnet, leases: this.#leases.size });
    if (held !== undefined) this.release(held);
    this.#write(ip, { ...wanted, isAttached: false });
    if (requested === undefined) this.#moveCursor(ip);
    return ip;
  }

  /** Notes that the ADD is through. What a power cut loses of this is of no more use: the sandbox is gone too. */
  markAttached(ip: Ip): void {
    const lease = this.#leases.get(ip.toString());
    if (lease === undefined || lease.isAttached) return;
    appendToFile(this.#path(ip.toString()), ATTACHED_LINE);
    this.#remember(ip.toString(), { ...lease, isAttached: true });
  }

  /**
   * Makes sure that a pod which the switch knows has its lease, with all that the switch knows of it; false when
   * another attachment holds the address.
   */
  adopt(wired: NewLease, ip: Ip): boolean {
    const there = this.#leases.get(ip.toString());
    const lease = { ...wired, isAttached: true };
    if (there === undefined) this.#write(ip, lease);
    else if (there === UNREADABLE) this.#rewrite(ip, lease);
    else if (attachmentKey(there.attachment) !== attachmentKey(wired.attachment)) return false;
    // The older form did not tell the sandbox.
    else if (there.netns === '') this.#rewrite(ip, lease);
    return true;
  }

  /** Frees an address; false when it was free. */
  release(ip: Ip): boolean {
    const name = ip.toString();
    const lease = this.#leases.get(name);
    if (lease === undefined) return false;
    removeFile(this.#path(name));
    this.#leases.delete(name);
    this.#ips.delete(attachmentKey(lease.attachment));
    return true;
  }

  /** The call of a repeated ADD may know more, or the sandbox by another path. */
  #renew(ip: Ip, wanted: NewLease): void {
    const there = this.#leases.get(ip.toString());
    if (there === undefined || writeLease({ ...there, ...wanted }) === writeLease(there)) return;
    this.#rewrite(ip, { ...there, ...wanted });
  }

  #write(ip: Ip, lease: Lease): void {
    createDurably(this.#path(ip.toString()), writeLease(lease));
    this.#remember(ip.toString(), lease);
  }

  #rewrite(ip: Ip, lease: Lease): void {
    replaceFile(this.#path(ip.toString()), writeLease(lease), { durable: true });
    this.#remember(ip.toString(), lease);
  }

  #remember(name: string, lease: Lease): void {
    this.#leases.set(name, lease);
    if (lease !== UNREADABLE) this.#ips.set(attachmentKey(lease.attachment), Ip.parse(name));
  }

  #moveCursor(ip: Ip): void {
    // Losing it in a power cut costs nothing but early reuse.
    replaceFile(this.#path(CURSOR), `${ip}\n`, { durable: false });
    this.#cursor = ip;
  }

  #read(name: string, log: Logger): Lease {
    const path = this.#path(name);
    const lease = isIp(name) ? readLease(readFileSync(path, 'utf8')) : undefined;
    if (lease !== undefined) return lease;
    log.warn('lease unreadable', { path, remedy: `remove ${path} if no pod has that address` });
    return UNREADABLE;
  }

  #readCursor(): Ip {
    try {
      const ip = Ip.parse(readFileSync(this.#path(CURSOR), 'utf8').trim());
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

function isIp(text: string): boolean {
  try {
    return Ip.parse(text).toString() === text;
  } catch {
    return false;
  }
}
