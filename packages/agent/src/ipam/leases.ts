import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Ip, type Logger, type Prefix } from '@tenet/std';
import { type Attachment, attachmentKey } from '../cni/attachment.ts';
import { failAgent } from '../errors.ts';
import { firstPodAddress, isPodAddress, nextFree } from './addresses.ts';

const CURSOR = 'cursor';

/** Whose lease nobody can say any more: no attachment has an empty id. */
const UNKNOWN: Attachment = { containerId: '', ifName: '' };

/**
 * The addresses of this node that pods have: one file for each, named by the address, written whole or not at all,
 * so that a lease outlives a kill -9 at any moment. The round-robin cursor stands beside them.
 */
export class Leases {
  readonly #directory: string;
  readonly #subnet: Prefix;
  readonly #owners = new Map<string, Attachment>();
  #cursor: Ip;

  /** Reads what is there. An address whose lease says nothing stays taken, and the log says what to do about it. */
  constructor(directory: string, { subnet, log }: { readonly subnet: Prefix; readonly log: Logger }) {
    this.#directory = directory;
    this.#subnet = subnet;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) {
      if (name.startsWith('.')) unlinkSync(join(directory, name));
      else if (name !== CURSOR) this.#owners.set(name, this.#read(name, log));
    }
    this.#cursor = this.#readCursor();
  }

  /** Every lease, by address. */
  get all(): ReadonlyMap<string, Attachment> {
    return this.#owners;
  }

  /** The address that an attachment has. */
  of(attachment: Attachment): Ip | undefined {
    const key = attachmentKey(attachment);
    for (const [ip, owner] of this.#owners) if (attachmentKey(owner) === key) return Ip.parse(ip);
    return undefined;
  }

  /**
   * Leases the requested address, or the next free one in round-robin order; one that the attachment already has is
   * its again. SUBNET_FULL, ADDRESS_TAKEN or ADDRESS_NOT_HERE when that cannot be.
   */
  acquire(attachment: Attachment, requested?: Ip): Ip {
    const subnet = this.#subnet.toString();
    const held = this.of(attachment);
    if (held !== undefined && (requested === undefined || held.equals(requested))) return held;
    if (requested !== undefined) {
      if (!isPodAddress(this.#subnet, requested)) failAgent('ADDRESS_NOT_HERE', { ip: requested.toString(), subnet });
      const owner = this.#owners.get(requested.toString());
      if (owner !== undefined) failAgent('ADDRESS_TAKEN', { ip: requested.toString(), owner: attachmentKey(owner) });
    }
    const ip = requested ?? nextFree(this.#subnet, this.#cursor, (candidate) => this.#owners.has(candidate.toString()));
    if (ip === undefined) return failAgent('SUBNET_FULL', { subnet, leases: this.#owners.size });
    if (held !== undefined) this.release(held);
    this.#write(ip, attachment);
    if (requested === undefined) this.#moveCursor(ip);
    return ip;
  }

  /** Makes sure that a pod which the switch knows has its lease; false when another attachment holds it. */
  adopt(attachment: Attachment, ip: Ip): boolean {
    const owner = this.#owners.get(ip.toString());
    if (owner === undefined) this.#write(ip, attachment);
    return owner === undefined || attachmentKey(owner) === attachmentKey(attachment);
  }

  /** Frees an address; false when it was free. */
  release(ip: Ip): boolean {
    const name = ip.toString();
    if (!this.#owners.delete(name)) return false;
    unlinkSync(join(this.#directory, name));
    return true;
  }

  #write(ip: Ip, attachment: Attachment): void {
    const file = join(this.#directory, ip.toString());
    const draft = join(this.#directory, `.${ip}`);
    writeDurably(draft, `${attachment.containerId}\n${attachment.ifName}\n`);
    // link fails when the lease is there, as rename would not: an address is never given away twice.
    linkSync(draft, file);
    unlinkSync(draft);
    this.#owners.set(ip.toString(), attachment);
  }

  #moveCursor(ip: Ip): void {
    const draft = join(this.#directory, `.${CURSOR}`);
    writeDurably(draft, `${ip}\n`);
    renameSync(draft, join(this.#directory, CURSOR));
    this.#cursor = ip;
  }

  #read(name: string, log: Logger): Attachment {
    const path = join(this.#directory, name);
    const [containerId = '', ifName = '', ...rest] = readFileSync(path, 'utf8').split('\n');
    if (isIp(name) && containerId !== '' && ifName !== '' && rest.join('') === '') return { containerId, ifName };
    log.warn('lease unreadable', { path, remedy: `remove ${path} if no pod has that address` });
    return UNKNOWN;
  }

  #readCursor(): Ip {
    try {
      const ip = Ip.parse(readFileSync(join(this.#directory, CURSOR), 'utf8').trim());
      if (this.#subnet.contains(ip)) return ip;
    } catch {
      // No cursor, or one that says nothing: begin at the start, which costs nothing but early reuse.
    }
    return firstPodAddress(this.#subnet).plus(-1);
  }
}

/** Written and on the disk: a lease must outlive a power cut as well. */
function writeDurably(path: string, text: string): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isIp(text: string): boolean {
  try {
    return Ip.parse(text).toString() === text;
  } catch {
    return false;
  }
}
