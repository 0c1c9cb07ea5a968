/**
 * The trace of iptables-legacy, which xtables-monitor does not tell: the kernel logs each rule that a traced packet
 * matches, and in a namespace that has nfnetlink_log for its logger the log is a netlink group (nfnetlink_log.h).
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { inNamespace, writeSysctl } from '@tenet/host';
import { kernelError } from '../../packages/host/src/errors.ts';
import { libc } from '../../packages/host/src/native.ts';
import { attribute, readAttributes } from '../../packages/host/src/netlink/attributes.ts';
import { readText } from '../../packages/host/src/netlink/bytes.ts';
import { AF, NETLINK, NLM_F, SOCK } from '../../packages/host/src/netlink/constants.ts';
import { decodeMessages, encodeMessage } from '../../packages/host/src/netlink/message.ts';
import { checked } from '../../packages/host/src/system-call.ts';
import { sightingIn } from './service-packet.ts';
import type { TracedWays } from './traced-ways.ts';

const NFNL_SUBSYS_ULOG = 4;
const NFULNL_MSG_CONFIG = (NFNL_SUBSYS_ULOG << 8) | 1;
const NFULA_CFG_CMD = 1;
const NFULA_CFG_MODE = 2;
const NFULNL_CFG_CMD_BIND = 1;
const NFULNL_COPY_PACKET = 2;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;
/** `struct nfgenmsg`: family, version, and the group, to which traces go. */
const NFGENMSG = Uint8Array.of(AF.INET, 0, 0, 0);

const buffer = new Uint8Array(262_144);

type RuleAt = (table: string, chain: string, number: number | 'policy') => string;

export class LegacyTrace implements Disposable {
  readonly #fd: number;
  readonly #ruleAt: RuleAt;

  /** `ruleAt` gives the text of a rule by its number, which is all that the kernel tells, and of a policy. */
  constructor(namespace: string, ruleAt: RuleAt) {
    this.#ruleAt = ruleAt;
    this.#fd = inNamespace(namespace, () => {
      writeSysctl('net.netfilter.nf_log.2', 'nfnetlink_log');
      const type = SOCK.RAW | SOCK.NONBLOCK | SOCK.CLOEXEC;
      return checked('open a netlink socket', libc().socket(AF.NETLINK, type, NETLINK.NETFILTER));
    });
    this.#configure(attribute(NFULA_CFG_CMD, Uint8Array.of(NFULNL_CFG_CMD_BIND)));
    // Whole packets: four bytes of length in network order, the mode, one byte of nothing.
    this.#configure(attribute(NFULA_CFG_MODE, Uint8Array.of(0, 0, 0xff, 0xff, NFULNL_COPY_PACKET, 0)));
  }

  /** Adds what the kernel has told since the last call. */
  noteTo(ways: TracedWays): void {
    for (;;) {
      const length = libc().recv(this.#fd, buffer, buffer.length, 0);
      if (length < 0 && libc().errno() === constants.errno.EAGAIN) return;
      if (length < 0) throw kernelError('read the log of netfilter', libc().errno());
      for (const { body } of decodeMessages(buffer.slice(0, length))) {
        const found = readAttributes(body, NFGENMSG.length);
        const [prefix, packet] = [found.get(NFULA_PREFIX), found.get(NFULA_PAYLOAD)];
        if (prefix !== undefined && packet !== undefined) this.#note(ways, readText(prefix), packet);
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #configure(value: Uint8Array): void {
    const body = new Uint8Array([...NFGENMSG, ...value]);
    const message = encodeMessage({ type: NFULNL_MSG_CONFIG, flags: NLM_F.REQUEST, sequence: 0, body });
    checked('ask for the log of netfilter', libc().send(this.#fd, message, message.length, 0));
  }

  #note(ways: TracedWays, prefix: string, packet: Uint8Array): void {
    const seen = sightingIn(packet);
    if (seen === undefined) return;
    const id = String(seen.number);
    ways.noteHeader(id, seen);
    const [, table, chain, kind, number] = /^TRACE: (\w+):([^:]+):(rule|policy):(\d+) /.exec(prefix) ?? [];
    if (table === undefined || chain === undefined) return;
    const rule = this.#ruleAt(table, chain, kind === 'rule' ? Number(number) : 'policy');
    ways.noteRule(id, { chain: `${table} ${chain}`, rule });
  }
}
