import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { Ip } from '@tenet/std';
import { errnoText } from './errors.ts';
import { inNamespace } from './namespace/in-namespace.ts';
import { libc } from './native.ts';
import { u32 } from './netlink/bytes.ts';
import { AF, SOCK, SOL_SOCKET } from './netlink/constants.ts';
import { socketAddress } from './socket-address.ts';
import { checked } from './system-call.ts';

/** What a probe speaks, to whom, and from where. */
export interface ProbeSocketSpec {
  /** `icmp` is a raw socket: the caller writes the ICMP message and reads whole IPv4 packets (raw(7)). */
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** The path of the namespace that it speaks from; the caller's own when left out. */
  readonly namespace?: string;
  readonly to: Ip;
  /** 0 for ICMP. */
  readonly port: number;
  /** The port that it speaks from; the kernel chooses one when left out. Not for ICMP. */
  readonly fromPort?: number;
  /** True: a packet that does not fit is refused. False: it is cut into fragments. */
  readonly dontFragment?: boolean;
}

/** What came of a call: bytes, "nothing yet", or the name of the error (`EHOSTUNREACH`) that the kernel or a router gave. */
export type ProbeResult =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'error'; readonly errno: string };

// linux/in.h, ip(7)
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_RECVERR = 11;
const IP_PMTUDISC_DONT = 0;
const IP_PMTUDISC_DO = 2;
const IPPROTO_ICMP = 1;
// socket(7)
const SO_REUSEADDR = 2;

const ANY = Ip.parse('0.0.0.0');

/** The longest IPv4 packet. */
const buffer = new Uint8Array(65_536);

/**
 * A connected socket that never blocks and says what became of its packets: an ICMP error of any router is an answer
 * here (IP_RECVERR), which the streams of the runtime keep to themselves. IPv4 only.
 */
export class ProbeSocket implements Disposable {
  readonly #fd: number;
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens and connects; the answer to a TCP connection shows in `send`. An error when there is no way at all. */
  static open(spec: ProbeSocketSpec): ProbeSocket | { readonly kind: 'error'; readonly errno: string } {
    const make = () => open(spec);
    const fd = spec.namespace === undefined ? make() : inNamespace(spec.namespace, make);
    return typeof fd === 'number' ? new ProbeSocket(fd) : fd;
  }

  /** Sends; `nothing` while a TCP connection is not there yet. What was sent is answered with no bytes. */
  send(bytes: Uint8Array): ProbeResult {
    return result(libc().send(this.#openFd(), bytes, bytes.length, 0), SENT);
  }

  /** What came in: one datagram or packet, or what a stream has; no bytes at the end of a stream. */
  receive(): ProbeResult {
    return result(libc().recv(this.#openFd(), buffer, buffer.length, 0));
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #openFd(): number {
    if (!this.#open) throw new TypeError('this probe socket is closed');
    return this.#fd;
  }
}

const SENT = new Uint8Array(0);

function result(length: number, bytes?: Uint8Array): ProbeResult {
  if (length >= 0) return { kind: 'bytes', bytes: bytes ?? buffer.slice(0, length) };
  const errno = libc().errno();
  return errno === constants.errno.EAGAIN ? { kind: 'nothing' } : { kind: 'error', errno: errnoText(errno)[0] };
}

function open({
  protocol,
  to,
  port,
  fromPort,
  dontFragment = false,
}: ProbeSocketSpec): number | { kind: 'error'; errno: string } {
  if (to.family !== 4) throw new RangeError(`${to} is not an IPv4 address`);
  const operation = `open a ${protocol} socket to ${to}`;
  const type = { tcp: SOCK.STREAM, udp: SOCK.DGRAM, icmp: SOCK.RAW }[protocol];
  const fd = checked(operation, libc().socket(AF.INET, type | SOCK.NONBLOCK | SOCK.CLOEXEC, protocolNumber(protocol)));
  try {
    if (protocol !== 'tcp') {
      const discovery = dontFragment ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
      checked(operation, libc().setsockopt(fd, SOL_IP, IP_MTU_DISCOVER, u32(discovery), 4));
      checked(operation, libc().setsockopt(fd, SOL_IP, IP_RECVERR, u32(1), 4));
    }
    if (fromPort !== undefined) {
      // The port of a connection that has just ended may be used again (ip(7)).
      checked(operation, libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, u32(1), 4));
      const from = socketAddress(ANY, fromPort);
      if (libc().bind(fd, from, from.length) !== 0) return closed(fd);
    }
    const address = socketAddress(to, port);
    if (libc().connect(fd, address, address.length) === 0) return fd;
    return libc().errno() === constants.errno.EINPROGRESS ? fd : closed(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The last call was refused: that ends the socket. */
function closed(fd: number): { kind: 'error'; errno: string } {
  const [errno] = errnoText(libc().errno());
  closeSync(fd);
  return { kind: 'error', errno };
}

function protocolNumber(protocol: ProbeSocketSpec['protocol']): number {
  return protocol === 'icmp' ? IPPROTO_ICMP : 0;
}
