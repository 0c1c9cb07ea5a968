import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { TenetError } from '@tenet/std';
import { failHost, kernelError } from '../errors.ts';
import { inNamespace } from '../namespace/in-namespace.ts';
import { libc } from '../native.ts';
import { checked } from '../system-call.ts';
import { joined, LITTLE_ENDIAN, u32, viewOf } from './bytes.ts';
import { AF, NETLINK_OPTION, NLM_F, NLMSG, SOCK, SOL_NETLINK, SOL_SOCKET } from './constants.ts';
import { decodeMessages, encodeMessage, type NetlinkMessage, verdictOf } from './message.ts';

/** What is asked of the kernel. */
export interface NetlinkRequest {
  /** In words, with its arguments, for the error: `set the MTU of eth0 to 1450`. */
  readonly operation: string;
  readonly type: number;
  /** Besides NLM_F_REQUEST. */
  readonly flags?: number;
  /** The fixed header and the attributes. */
  readonly body: readonly Uint8Array[];
}

/** The same change of many things. */
export interface NetlinkRequests extends Omit<NetlinkRequest, 'body'> {
  /** What each request has for a body. */
  readonly bodies: readonly (readonly Uint8Array[])[];
}

/** One datagram of the kernel's is at most 32 KiB (NLMSG_GOODSIZE and the dump's own limit); shared, as calls return. */
const buffer = new Uint8Array(65_536);

const SO_RCVTIMEO = 20;
const ANSWER_WITHIN_SECONDS = 5;
const DUMP_TRIES = 20;
/** Of requests that are sent at once: should the kernel refuse all, its answers fit into the socket's usual buffer. */
const REQUESTS_AT_ONCE = 64;
/** The length of the datagram is told, not that of the part which fitted (recv(2)). */
const MSG_TRUNC = 0x20;

/**
 * A netlink socket: sends a request and waits for the answer, which the kernel gives before `send` returns. It belongs
 * to the namespace in which it was opened.
 */
export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  #sequence = 0;
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a socket of this netlink family (NETLINK.ROUTE, NETLINK.NETFILTER), in another namespace if given. */
  static open(family: number, namespacePath?: string): NetlinkSocket {
    const create = () => checked('open a netlink socket', libc().socket(AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, family));
    const fd = namespacePath === undefined ? create() : inNamespace(namespacePath, create);
    try {
      for (const option of Object.values(NETLINK_OPTION))
        checked('set an option of a netlink socket', libc().setsockopt(fd, SOL_NETLINK, option, u32(1), 4));
      checked('limit the wait on a netlink socket', libc().setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, TIMEVAL, 16));
      return new NetlinkSocket(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Changes something; KERNEL_REFUSED when the kernel would not. */
  change(request: NetlinkRequest): void {
    this.#exchange({ ...request, flags: (request.flags ?? 0) | NLM_F.ACK });
  }

  /**
   * Makes many changes with few calls, each whatever becomes of the others: the kernel answers only what it refuses,
   * and the last of each datagram. Returns an error for each that was refused, in order.
   */
  changeAll({ operation, type, flags = 0, bodies }: NetlinkRequests): TenetError[] {
    const refused: TenetError[] = [];
    for (let at = 0; at < bodies.length; at += REQUESTS_AT_ONCE) {
      const some = bodies.slice(at, at + REQUESTS_AT_ONCE);
      const requests = some.map((body, index) => {
        const ack = index === some.length - 1 ? NLM_F.ACK : 0;
        return this.#encode({ operation, type, flags: flags | ack, body });
      });
      this.#send(operation, joined(requests));
      for (let acknowledged = false; !acknowledged; ) {
        for (const message of this.#receive(operation)) {
          const verdict = this.#isAmongLast(some.length, message) ? verdictOf(message) : undefined;
          if (verdict === undefined) continue;
          if (verdict.errno !== 0) refused.push(kernelError(operation, verdict.errno, verdict.sentence));
          acknowledged ||= message.sequence === this.#sequence;
        }
      }
    }
    return refused;
  }

  /** Reads one thing; KERNEL_REFUSED when it is not there. */
  get(request: NetlinkRequest): NetlinkMessage {
    // With an acknowledgement, so that the answer's end is known.
    const [answer] = this.#exchange({ ...request, flags: (request.flags ?? 0) | NLM_F.ACK }).messages;
    return answer ?? failHost('NETLINK_MALFORMED', { why: `no answer when asked to ${request.operation}` });
  }

  /** Reads a whole list, again when it changed while being read (NLM_F_DUMP_INTR). */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let tries = 1; tries <= DUMP_TRIES; tries++) {
      const { messages, interrupted } = this.#exchange({ ...request, flags: (request.flags ?? 0) | NLM_F.DUMP });
      if (!interrupted) return messages;
    }
    return failHost('DUMP_INTERRUPTED', { operation: request.operation, tries: DUMP_TRIES });
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #exchange(request: NetlinkRequest): { messages: NetlinkMessage[]; interrupted: boolean } {
    const { operation } = request;
    this.#send(operation, this.#encode(request));
    const messages: NetlinkMessage[] = [];
    for (let interrupted = false; ; ) {
      for (const message of this.#receive(operation)) {
        if (!this.#isAmongLast(1, message)) continue;
        interrupted ||= (message.flags & NLM_F.DUMP_INTR) !== 0;
        const verdict = verdictOf(message);
        if (verdict === undefined) messages.push(message);
        else if (verdict.errno !== 0) throw kernelError(operation, verdict.errno, verdict.sentence);
        else return { messages, interrupted };
      }
    }
  }

  /** A request under the next number. */
  #encode({ type, flags = 0, body }: NetlinkRequest): Uint8Array {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return encodeMessage({ type, flags: flags | NLM_F.REQUEST, sequence: this.#sequence, body: joined(body) });
  }

  #send(operation: string, datagram: Uint8Array): void {
    if (!this.#open) throw new TypeError('this netlink socket is closed');
    checked(operation, libc().send(this.#fd, datagram, datagram.length, 0));
  }

  /** False for an answer to an earlier request, which timed out. */
  #isAmongLast(count: number, { sequence }: NetlinkMessage): boolean {
    return (this.#sequence - sequence) >>> 0 < count;
  }

  #receive(operation: string): NetlinkMessage[] {
    const length = checked(operation, this.#receiveUninterrupted());
    if (length > buffer.length)
      failHost('NETLINK_MALFORMED', { why: `${length} bytes in one datagram when asked to ${operation}` });
    return decodeMessages(buffer.slice(0, length)).filter(({ type }) => type !== NLMSG.NOOP);
  }

  /** With a limit on the wait, any signal that has a handler interrupts it (signal(7)). */
  #receiveUninterrupted(): number {
    for (;;) {
      const length = libc().recv(this.#fd, buffer, buffer.length, MSG_TRUNC);
      if (length >= 0 || libc().errno() !== constants.errno.EINTR) return length;
    }
  }
}

/** `struct timeval`: two longs. */
const TIMEVAL = timeval(ANSWER_WITHIN_SECONDS);

function timeval(seconds: number): Uint8Array {
  const bytes = new Uint8Array(16);
  viewOf(bytes).setBigInt64(0, BigInt(seconds), LITTLE_ENDIAN);
  return bytes;
}
