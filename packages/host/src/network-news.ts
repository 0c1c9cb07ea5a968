import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { libc } from './native.ts';
import { u16, u32 } from './netlink/bytes.ts';
import { AF, NETLINK, SOCK } from './netlink/constants.ts';
import { checked } from './system-call.ts';

/** Groups of notifications: links, IPv4 addresses, IPv4 routes (rtnetlink.h). */
const RTMGRP = { LINK: 0x1, IPV4_IFADDR: 0x10, IPV4_ROUTE: 0x40 } as const;
const MSG_DONTWAIT = 0x40;

const scratch = new Uint8Array(1);

/**
 * Tells whether links, IPv4 addresses or IPv4 routes of a namespace have changed, without reading them: what has not
 * changed need not be listed again. Counters of packets are no change.
 */
export class NetworkNews implements Disposable {
  readonly #fd: number;
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Listens from now on in the namespace that the caller is in. */
  static open(): NetworkNews {
    const kind = SOCK.RAW | SOCK.CLOEXEC;
    const fd = checked('open a netlink socket', libc().socket(AF.NETLINK, kind, NETLINK.ROUTE));
    try {
      const groups = Object.values(RTMGRP).reduce((all, group) => all | group, 0);
      // struct sockaddr_nl: family, padding, port (the kernel's choice), groups.
      const address = new Uint8Array([...u16(AF.NETLINK), ...u16(0), ...u32(0), ...u32(groups)]);
      checked('hear of changes of the network', libc().bind(fd, address, address.length));
      return new NetworkNews(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * True when something has changed since the last call, or may have: what did not fit into the socket's buffer is lost
   * (ENOBUFS), and that is news too.
   */
  take(): boolean {
    if (!this.#open) throw new TypeError('these news are closed');
    let any = false;
    for (;;) {
      // Of each datagram the first byte: what is in it does not matter.
      const length = libc().recv(this.#fd, scratch, scratch.length, MSG_DONTWAIT);
      const errno = length < 0 ? libc().errno() : 0;
      if (errno === constants.errno.EAGAIN) return any;
      if (errno !== 0 && errno !== constants.errno.EINTR && errno !== constants.errno.ENOBUFS)
        checked('hear of changes of the network', length);
      any ||= errno !== constants.errno.EINTR;
    }
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
