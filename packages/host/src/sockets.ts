import { closeSync } from 'node:fs';
import type { Ip } from '@tenet/std';
import { inNamespace } from './namespace/in-namespace.ts';
import { libc } from './native.ts';
import { u32 } from './netlink/bytes.ts';
import { AF, SOCK, SOL_SOCKET } from './netlink/constants.ts';
import { socketAddress } from './socket-address.ts';
import { checked } from './system-call.ts';

/** Where a socket is to be. */
export interface SocketSpec {
  /** The path of its namespace; the caller's own when left out. */
  readonly namespace?: string;
  /** One of the namespace's addresses, or `0.0.0.0` or `::` for all of that family. */
  readonly address: Ip;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/**
 * A listening TCP socket in a namespace, for `net.Server.listen({ fd })`: so one process serves many namespaces. The
 * caller owns the file descriptor until a server takes it.
 */
export function listenTcp({ backlog = 511, ...spec }: SocketSpec & { readonly backlog?: number }): number {
  const operation = `listen on TCP ${spec.address} port ${spec.port}${placeOf(spec)}`;
  return create(operation, SOCK.STREAM, spec, (fd) => checked(operation, libc().listen(fd, backlog)));
}

/** A bound UDP socket in a namespace, for `dgram.Socket.bind({ fd })`. */
export function bindUdp(spec: SocketSpec): number {
  return create(`bind UDP ${spec.address} port ${spec.port}${placeOf(spec)}`, SOCK.DGRAM, spec, () => 0);
}

/** An IPv4 TCP socket of a namespace that goes nowhere yet, for `new net.Socket({ fd })` and its `connect`. */
export function openTcp(namespace: string): number {
  return inNamespace(namespace, () =>
    checked(`open a TCP socket in ${namespace}`, libc().socket(AF.INET, SOCK.STREAM | SOCK.NONBLOCK | SOCK.CLOEXEC, 0)),
  );
}

function create(operation: string, type: number, spec: SocketSpec, finish: (fd: number) => number): number {
  const { namespace, address, port } = spec;
  const where = socketAddress(address, port);
  const make = () => {
    const family = address.family === 4 ? AF.INET : AF.INET6;
    const fd = checked(operation, libc().socket(family, type | SOCK.NONBLOCK | SOCK.CLOEXEC, 0));
    try {
      if (type === SOCK.STREAM) checked(operation, libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, u32(1), 4));
      if (address.family === 6) checked(operation, libc().setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, u32(1), 4));
      checked(operation, libc().bind(fd, where, where.length));
      finish(fd);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  };
  return namespace === undefined ? make() : inNamespace(namespace, make);
}

function placeOf({ namespace }: SocketSpec): string {
  return namespace === undefined ? '' : ` in ${namespace}`;
}
