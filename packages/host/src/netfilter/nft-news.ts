import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { inNamespace } from '../namespace/in-namespace.ts';
import { libc } from '../native.ts';
import { readAttributes } from '../netlink/attributes.ts';
import { readBe32, readText, u16, u32 } from '../netlink/bytes.ts';
import {
  AF,
  NETLINK,
  NFNL_SUBSYS,
  NFNLGRP_NFTABLES,
  NFT_MSG,
  NFTA_CHAIN_NAME,
  NFTA_GEN_ID,
  NFTA_RULE_CHAIN,
  NFTA_TABLE,
  SOCK,
} from '../netlink/constants.ts';
import { decodeMessages, type NetlinkMessage } from '../netlink/message.ts';
import { nfgenmsg } from '../netlink/nfnetlink.ts';
import { checked } from '../system-call.ts';

/** What of nf_tables somebody has changed. */
export interface NftChange {
  /** The generation of the rules (`readNftGeneration`) that the change has led to. */
  readonly generation: number;
  /** NFPROTO_IPV4 is 2, NFPROTO_INET 1, … (linux/netfilter.h). */
  readonly family: number;
  readonly table: string;
  /** The chain that was made, removed, or whose rules changed; absent for a table itself and for what is no chain. */
  readonly chain?: string;
}

const MSG_DONTWAIT = 0x40;
/** A batch of notifications is a datagram of at most one page and a half (NLMSG_GOODSIZE); room to spare. */
const buffer = new Uint8Array(65_536);
/** Of more than so many datagrams nobody reads each message: then anything may have changed. */
const DATAGRAMS_READ = 64;

/**
 * Tells which tables and chains of nf_tables somebody has changed in a namespace, whoever it was (nft, iptables-nft,
 * this process's own tools), without listing a rule. Counters of packets are no change.
 */
export class NftNews implements Disposable {
  readonly #fd: number;
  #open = true;
  /** Told already, but not yet to which generation it led: that comes last. */
  #pending: Omit<NftChange, 'generation'>[] = [];

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Listens from now on in the namespace that the caller is in, or in another if given. */
  static open(namespacePath?: string): NftNews {
    const create = () =>
      checked('open a netlink socket', libc().socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, NETLINK.NETFILTER));
    const fd = namespacePath === undefined ? create() : inNamespace(namespacePath, create);
    try {
      // struct sockaddr_nl: family, padding, port (the kernel's choice), groups as bits.
      const groups = 1 << (NFNLGRP_NFTABLES - 1);
      const address = new Uint8Array([...u16(AF.NETLINK), ...u16(0), ...u32(0), ...u32(groups)]);
      checked('hear of changes of nf_tables', libc().bind(fd, address, address.length));
      return new NftNews(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * What has changed since the last call, each place once in a generation; undefined when it cannot be told, because there
   * was more than the socket holds (ENOBUFS) or than is worth reading.
   */
  take(): readonly NftChange[] | undefined {
    if (!this.#open) throw new TypeError('these news are closed');
    const changes = new Map<string, NftChange>();
    let isWhole = true;
    for (let datagrams = 0; ; ) {
      // What nobody reads is not copied either.
      const length = libc().recv(this.#fd, buffer, isWhole ? buffer.length : 1, MSG_DONTWAIT);
      const errno = length < 0 ? libc().errno() : 0;
      if (errno === constants.errno.EAGAIN) break;
      if (errno === constants.errno.EINTR) continue;
      if (errno === constants.errno.ENOBUFS) isWhole = false;
      else checked('hear of changes of nf_tables', length);
      datagrams += 1;
      isWhole &&= datagrams <= DATAGRAMS_READ;
      if (isWhole) for (const message of decodeMessages(buffer.slice(0, length))) this.#hear(message, changes);
    }
    if (isWhole) return [...changes.values()];
    this.#pending = [];
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #hear(message: NetlinkMessage, changes: Map<string, NftChange>): void {
    if (message.type >> 8 !== NFNL_SUBSYS.NFTABLES) return;
    const change = changeIn(message);
    if (change !== undefined) this.#pending.push(change);
    const generation = generationIn(message);
    if (generation === undefined) return;
    for (const each of this.#pending)
      changes.set(`${generation} ${each.family} ${each.table} ${each.chain ?? ''}`, { generation, ...each });
    this.#pending = [];
  }
}

/** The last message of a commit has the number of the generation that it made. */
function generationIn({ type, body }: NetlinkMessage): number | undefined {
  if ((type & 0xff) !== NFT_MSG.NEWGEN) return undefined;
  const generation = readAttributes(body, nfgenmsg.lengthBytes).get(NFTA_GEN_ID);
  return generation && readBe32(generation);
}

/** Undefined for what changes no rule: the number of a generation, a trace. */
function changeIn({ type, body }: NetlinkMessage): Omit<NftChange, 'generation'> | undefined {
  const attributes = readAttributes(body, nfgenmsg.lengthBytes);
  const table = attributes.get(NFTA_TABLE);
  const chainAt = CHAIN_AT.get(type & 0xff);
  if (table === undefined || chainAt === undefined) return undefined;
  const chain = chainAt === null ? undefined : attributes.get(chainAt);
  return {
    family: nfgenmsg.read(body).family,
    table: readText(table),
    ...(chain !== undefined && { chain: readText(chain) }),
  };
}

/** In which attribute a message names its chain; null for one that concerns no chain. */
const CHAIN_AT: ReadonlyMap<number, number | null> = new Map([
  [NFT_MSG.NEWCHAIN, NFTA_CHAIN_NAME],
  [NFT_MSG.DELCHAIN, NFTA_CHAIN_NAME],
  [NFT_MSG.NEWRULE, NFTA_RULE_CHAIN],
  [NFT_MSG.DELRULE, NFTA_RULE_CHAIN],
  ...(
    [
      NFT_MSG.NEWTABLE,
      NFT_MSG.DELTABLE,
      NFT_MSG.NEWSET,
      NFT_MSG.DELSET,
      NFT_MSG.NEWSETELEM,
      NFT_MSG.DELSETELEM,
      NFT_MSG.NEWOBJ,
      NFT_MSG.DELOBJ,
      NFT_MSG.NEWFLOWTABLE,
      NFT_MSG.DELFLOWTABLE,
    ] as const
  ).map((type) => [type, null] as const),
]);
