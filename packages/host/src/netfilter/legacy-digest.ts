import { createHash } from 'node:crypto';
import { closeSync, readFileSync } from 'node:fs';
import { refusedWith } from '../errors.ts';
import { inNamespace } from '../namespace/in-namespace.ts';
import { libc } from '../native.ts';
import { LITTLE_ENDIAN, readU32, viewOf } from '../netlink/bytes.ts';
import { AF, SOCK } from '../netlink/constants.ts';
import { checked } from '../system-call.ts';

// linux/in.h, linux/netfilter_ipv4/ip_tables.h
const IPPROTO_IP = 0;
const IPPROTO_RAW = 255;
const IPT_SO_GET_INFO = 64;
const IPT_SO_GET_ENTRIES = 65;

/** `struct ipt_getinfo`: name, hooks, number and size of the entries. */
const INFO = { lengthBytes: 84, entriesAt: 76, sizeAt: 80 } as const;
/** `struct ipt_get_entries` up to its entries: name, size, and four bytes for their alignment. */
const ENTRIES = { headerBytes: 40, sizeAt: 32 } as const;
/** `struct ipt_entry`: its length is where the next one starts; the counters are two numbers of 64 bits. */
const ENTRY = { lengthBytes: 112, nextAt: 90, countersAt: 96, countersBytes: 16 } as const;
const NAME_BYTES = 32;

/** A table that grows between the question for its size and the one for its entries is EAGAIN. */
const TRIES = 20;

/**
 * A digest of all IPv4 rules of the legacy variant in a namespace, without their counters: equal while no rule has
 * changed. It copies the tables out of the kernel as iptables-legacy-save does (there is no cheaper notice of a
 * change: /proc/net/ip_tables_names and IPT_SO_GET_INFO stay as they are when one rule replaces another), but in this
 * process. Only tables that are in use are asked for: the question alone would make one. Undefined in a kernel without
 * them.
 */
export function readLegacyDigest(namespacePath?: string): string | undefined {
  return namespacePath === undefined ? digest() : inNamespace(namespacePath, digest);
}

/**
 * How many entries each table of the legacy variant has, and how long they are: another word whenever a rule came or
 * went, at the price of two small system calls a table. What replaces a rule of the same length it does not tell.
 * Undefined in a kernel without them.
 */
export function readLegacySizes(namespacePath?: string): string | undefined {
  return namespacePath === undefined ? sizes() : inNamespace(namespacePath, sizes);
}

function digest(): string | undefined {
  const hash = createHash('sha256');
  const tables = eachTable((fd, name) => void hash.update(`${name}\0`).update(entriesOf(fd, name)));
  return tables && hash.digest('hex');
}

function sizes(): string | undefined {
  return eachTable((fd, name) => {
    const info = option(fd, IPT_SO_GET_INFO, nameIn(name, INFO.lengthBytes));
    return `${name} ${readU32(info.subarray(INFO.entriesAt))} ${readU32(info.subarray(INFO.sizeAt))}`;
  })?.join();
}

/** Asks something about every table that is in use; undefined in a kernel without them. */
function eachTable<T>(ask: (fd: number, name: string) => T): T[] | undefined {
  const names = tableNames();
  if (names === undefined || names.length === 0) return names && [];
  const fd = checked('open a raw socket', libc().socket(AF.INET, SOCK.RAW | SOCK.CLOEXEC, IPPROTO_RAW));
  try {
    return names.map((name) => ask(fd, name));
  } finally {
    closeSync(fd);
  }
}

/** In the order of their names: the kernel's own follows their making. */
function tableNames(): string[] | undefined {
  try {
    return readFileSync('/proc/thread-self/net/ip_tables_names', 'utf8').split('\n').filter(Boolean).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function entriesOf(fd: number, table: string): Uint8Array {
  for (let tries = 1; ; tries++) {
    try {
      const info = option(fd, IPT_SO_GET_INFO, nameIn(table, INFO.lengthBytes));
      const sizeBytes = readU32(info.subarray(INFO.sizeAt));
      const question = nameIn(table, ENTRIES.headerBytes + sizeBytes);
      new Uint32Array(question.buffer)[ENTRIES.sizeAt / 4] = sizeBytes;
      return withoutCounters(option(fd, IPT_SO_GET_ENTRIES, question).subarray(ENTRIES.headerBytes));
    } catch (error) {
      if (tries === TRIES || !refusedWith(error, 'EAGAIN')) throw error;
    }
  }
}

function option(fd: number, name: number, value: Uint8Array): Uint8Array {
  const length = Uint32Array.of(value.length);
  checked('read the rules of iptables-legacy', libc().getsockopt(fd, IPPROTO_IP, name, value, length));
  return value;
}

/** A question about a table: its name, then zeros. */
function nameIn(table: string, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  bytes.set(new TextEncoder().encode(table).subarray(0, NAME_BYTES - 1));
  return bytes;
}

/** The same entries with their counters as zeros, in place. */
export function withoutCounters(entries: Uint8Array): Uint8Array {
  const view = viewOf(entries);
  for (let at = 0; at + ENTRY.lengthBytes <= entries.length; ) {
    entries.fill(0, at + ENTRY.countersAt, at + ENTRY.countersAt + ENTRY.countersBytes);
    // The smallest entry is longer than none: bytes that make no sense end the walk, and stay in the digest.
    at += Math.max(ENTRY.lengthBytes, view.getUint16(at + ENTRY.nextAt, LITTLE_ENDIAN));
  }
  return entries;
}
