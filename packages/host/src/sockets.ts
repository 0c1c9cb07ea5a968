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
const IPPROTO_SCTP = 132;
const IPV6_V6ONLY = 26;

/**
 * A listening TCP socket in a namespace, for `net.Server.listen({ fd })`: so one process serves many namespaces. The
 * caller owns the file descriptor until a server takes it.
 */
export function listenTcp({ backlog = 511, ...spec }: SocketSpec & { readonly backlog?: number }): number {
  const operation = `listen on TCP ${spec.address} port ${spec.port}${placeOf(spec)}`;
  return create(operation, SOCK.STREAM, spec, (fd) => checked(operation, libc().listen(fd, backlog)));
}

/**
 * A listening SCTP socket of the one-to-one style (RFC 6458 §4), which servers of streams take as they take one of TCP. A
 * kernel without SCTP refuses it.
 */
export function listenSctp({ backlog = 511, ...spec }: SocketSpec & { readonly backlog?: number }): number {
  const operation = `listen on SCTP ${spec.address} port ${spec.port}${placeOf(spec)}`;
  return create(operation, SOCK.STREAM, { ...spec, protocol: IPPROTO_SCTP }, (fd) =>
    checked(operation, libc().listen(fd, backlog)),
  );
}

/** A bound UDP socket in a namespace, for `dgram.Socket.bind({ fd })`. */
export function bindUdp(spec: SocketSpec): number {
  return create(`bind UDP ${spec.address} port ${spec.port}${placeOf(spec)}`, SOCK.DGRAM, spec, () => 0);
}

/** An IPv4 TCP socket of a namespace that goes nowhere yet, for `new net.Socket({ fd })` and its `connect`. */
export function openTcp(namespace: string): number {
  return openStream(namespace, 'TCP', 0);
}

/** The same for SCTP, one-to-one style. */
export function openSctp(namespace: string): number {
  return openStream(namespace, 'SCTP', IPPROTO_SCTP);
}

function openStream(namespace: string, name: string, protocol: number): number {
  const type = SOCK.STREAM | SOCK.NONBLOCK | SOCK.CLOEXEC;
  return inNamespace(namespace, () =>
    checked(`open a ${name} socket in ${namespace}`, libc().socket(AF.INET, type, protocol)),
  );
}

interface CreateSpec extends SocketSpec {
  /** 0 for the usual one of its type. */
  readonly protocol?: number;
}

function create(operation: string, type: number, spec: CreateSpec, finish: (fd: number) => number): number {
  const { namespace, address, port, protocol = 0 } = spec;
  const where = socketAddress(address, port);
  const make = () => {
    const family = address.family === 4 ? AF.INET : AF.INET6;
    const fd = checked(operation, libc().socket(family, type | SOCK.NONBLOCK | SOCK.CLOEXEC, protocol));
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
