/** IPv4 packets as a node's own programs send and receive them: behind its OUTPUT chain, and behind its INPUT chain. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { inNamespace } from '@tenet/host';
import { IP_PROTOCOL, type Ip } from '@tenet/std';
import { kernelError } from '../../packages/host/src/errors.ts';
import { libc } from '../../packages/host/src/native.ts';
import { AF, SOCK } from '../../packages/host/src/netlink/constants.ts';
import { socketAddress } from '../../packages/host/src/socket-address.ts';
import { checked } from '../../packages/host/src/system-call.ts';

/** The number under which a raw socket takes whole packets, header included (raw(7)). */
const IPPROTO_RAW = 255;

const PROTOCOLS = [IP_PROTOCOL.TCP, IP_PROTOCOL.UDP, IP_PROTOCOL.SCTP, IP_PROTOCOL.ICMP];
const buffer = new Uint8Array(65_536);

/** Sends a packet from the namespace, as one of its own programs would: its header says from where and to where. */
export function sendFrom(namespace: string, packet: Uint8Array, destination: Ip): void {
  const operation = `send a packet to ${destination}`;
  const fd = rawSocket(namespace, IPPROTO_RAW);
  try {
    const address = socketAddress(destination, 0);
    checked(operation, libc().connect(fd, address, address.length));
    // A REJECT in the chain OUTPUT is told to the sender as EPERM (netfilter's verdict for a packet of its own).
    const sent = libc().send(fd, packet, packet.length, 0);
    if (sent < 0 && libc().errno() !== constants.errno.EPERM) throw kernelError(operation, libc().errno());
  } finally {
    closeSync(fd);
  }
}

/** Copies of all packets of TCP, UDP, SCTP and ICMP that the namespace takes in for itself, as its programs see them. */
export class LocalPackets implements Disposable {
  readonly #fds: readonly number[];

  constructor(namespace: string) {
    this.#fds = PROTOCOLS.map((protocol) => rawSocket(namespace, protocol));
  }

  /** Those that came since the last call, from the IPv4 header on. */
  received(): Uint8Array[] {
    return this.#fds.flatMap((fd) => {
      const packets: Uint8Array[] = [];
      for (;;) {
        const length = libc().recv(fd, buffer, buffer.length, 0);
        if (length >= 0) packets.push(buffer.slice(0, length));
        else if (libc().errno() === constants.errno.EAGAIN) return packets;
        else throw kernelError('receive a packet', libc().errno());
      }
    });
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

function rawSocket(namespace: string, protocol: number): number {
  const type = SOCK.RAW | SOCK.NONBLOCK | SOCK.CLOEXEC;
  return inNamespace(namespace, () => checked('open a raw socket', libc().socket(AF.INET, type, protocol)));
}
