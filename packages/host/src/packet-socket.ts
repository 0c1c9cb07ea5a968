import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { failHost, kernelError } from './errors.ts';
import { inNamespace } from './namespace/in-namespace.ts';
import { libc, type Msghdr } from './native.ts';
import { u32 } from './netlink/bytes.ts';
import { AF, SOCK } from './netlink/constants.ts';
import { PACKET_AUXDATA, SOL_PACKET, vlanTagIn, withVlanTag } from './packet-vlan-tag.ts';
import { packetAddress } from './socket-address.ts';
import { checked } from './system-call.ts';

/** Where to send and receive frames. */
export interface PacketSocketSpec {
  readonly link: string;
  /** The path of the link's namespace; the caller's own when left out. */
  readonly namespace?: string;
}

const ETH_P_ALL = 3;
const PACKET_IGNORE_OUTGOING = 23;
/** Frames in one answer of `received`, unless told: a flood must not keep the caller in a loop. */
const MOST_FRAMES = 1000;

/** The longest frame with the largest MTU of a veth, and room for offloaded ones. */
const buffer = new Uint8Array(65_536 + 64);
/** Room for one control message: `struct cmsghdr` and `struct tpacket_auxdata`. */
const control = new Uint8Array(64);
const message: Msghdr = {
  name: null,
  nameLength: 0,
  parts: { base: buffer, lengthBytes: buffer.length },
  partCount: 1,
  control,
  controlLength: control.length,
  flags: 0,
};

/**
 * Raw Ethernet frames on one link (packet(7)), as an attacker or a probe sends them: whatever is in the frame goes out.
 * It receives what comes in on the link, not what the link sends.
 */
export class PacketSocket implements Disposable {
  readonly #link: string;
  readonly #fd: number;
  #open = true;

  private constructor(link: string, fd: number) {
    this.#link = link;
    this.#fd = fd;
  }

  static open({ link, namespace }: PacketSocketSpec): PacketSocket {
    const make = () => new PacketSocket(link, bound(link));
    return namespace === undefined ? make() : inNamespace(namespace, make);
  }

  /** Sends a frame from its destination MAC to the end of its payload, without the check sequence. */
  send(frame: Uint8Array): void {
    const operation = `send a frame of ${frame.length} bytes on ${this.#link}`;
    const sent = checked(operation, libc().send(this.#openFd(), frame, frame.length, 0));
    if (sent !== frame.length) throw new RangeError(`only ${sent} of ${frame.length} bytes were sent`);
  }

  /**
   * The frames that came in since the last call, oldest first, each as it was on the link: with its VLAN tag, which the
   * kernel takes out on the way in. None when there were none; the rest of more than `most` is for the next call.
   */
  received(most = MOST_FRAMES): Uint8Array[] {
    const frames: Uint8Array[] = [];
    while (frames.length < most) {
      control.fill(0);
      const length = libc().recvmsg(this.#openFd(), message, 0);
      if (length >= 0) {
        frames.push(withVlanTag(buffer.slice(0, length), vlanTagIn(control)));
        continue;
      }
      const errno = libc().errno();
      if (errno === constants.errno.EAGAIN) return frames;
      // Said once when the link goes down; what came in before is still there.
      if (errno !== constants.errno.ENETDOWN) throw kernelError(`receive frames on ${this.#link}`, errno);
    }
    return frames;
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #openFd(): number {
    if (!this.#open) throw new TypeError('this packet socket is closed');
    return this.#fd;
  }
}

/** The socket hears nothing (protocol 0) until it is bound, so no frame of another link gets in. */
function bound(link: string): number {
  const operation = `open a packet socket on ${link}`;
  const index = libc().if_nametoindex(link);
  if (index === 0) failHost('LINK_NOT_FOUND', { link, operation });
  const fd = checked(operation, libc().socket(AF.PACKET, SOCK.RAW | SOCK.NONBLOCK | SOCK.CLOEXEC, 0));
  try {
    for (const option of [PACKET_IGNORE_OUTGOING, PACKET_AUXDATA])
      checked(operation, libc().setsockopt(fd, SOL_PACKET, option, u32(1), 4));
    const address = packetAddress(index, ETH_P_ALL);
    checked(operation, libc().bind(fd, address, address.length));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
