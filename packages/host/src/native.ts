import { createRequire } from 'node:module';

/**
 * The C functions that Tenet calls in its own process: all foreign declarations are here. koffi is loaded at the first
 * call, not at import: it takes 30 ms that commands which never touch the kernel need not pay.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, lengthBytes: number): number;
  listen(fd: number, backlog: number): number;
  connect(fd: number, address: Uint8Array, lengthBytes: number): number;
  send(fd: number, bytes: Uint8Array, lengthBytes: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, lengthBytes: number, flags: number): number;
  recvmsg(fd: number, message: Msghdr, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, lengthBytes: number): number;
  /** `length` holds how long `value` is, and then how much of it was written. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array): number;
  setns(fd: number, kind: number): number;
  unshare(flags: number): number;
  mount(source: string, target: string, kind: string, flags: number, options: null): number;
  umount2(target: string, flags: number): number;
  if_nametoindex(name: string): number;
  ioctl(fd: number, request: number, ifreq: Ifreq): number;
  /** The `errno` of the last of these calls that failed. */
  errno(): number;
}

/** `struct ifreq` in its form with a pointer (netdevice(7)). */
interface Ifreq {
  /** The link's name, 16 bytes, ended by zero. */
  readonly name: Uint8Array;
  /** What the pointer points to; the kernel writes its answer here. */
  readonly data: Uint8Array | Uint32Array;
  readonly rest: Uint8Array;
}

/** `struct msghdr` (recv(2)) without a name; the kernel writes to what its pointers point to, and its lengths are lost. */
export interface Msghdr {
  readonly name: null;
  readonly nameLength: number;
  /** One `struct iovec`: where the bytes go. */
  readonly parts: { readonly base: Uint8Array; readonly lengthBytes: number };
  readonly partCount: number;
  /** Where the control messages go. */
  readonly control: Uint8Array;
  readonly controlLength: number;
  readonly flags: number;
}

/** The parts of koffi that are used, with the types that its own declarations leave open. */
interface Koffi {
  load(path: null): { func(declaration: string): unknown };
  struct(name: string, fields: Record<string, unknown>): unknown;
  array(type: string, length: number): unknown;
  errno(): number;
}

/** `_Inout_` and plain buffers are passed by address. koffi has no ssize_t: on our platforms it is int64_t. */
const DECLARATIONS: Readonly<Record<Exclude<keyof Libc, 'errno'>, string>> = {
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int fd, uint8_t *address, uint32_t length)',
  listen: 'int listen(int fd, int backlog)',
  connect: 'int connect(int fd, uint8_t *address, uint32_t length)',
  send: 'int64_t send(int fd, uint8_t *bytes, size_t length, int flags)',
  recv: 'int64_t recv(int fd, uint8_t *bytes, size_t length, int flags)',
  recvmsg: 'int64_t recvmsg(int fd, tenet_msghdr *message, int flags)',
  setsockopt: 'int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)',
  getsockopt: 'int getsockopt(int fd, int level, int name, uint8_t *value, uint32_t *length)',
  setns: 'int setns(int fd, int kind)',
  unshare: 'int unshare(int flags)',
  mount: 'int mount(str source, str target, str kind, unsigned long flags, void *options)',
  umount2: 'int umount2(str target, int flags)',
  if_nametoindex: 'uint32_t if_nametoindex(str name)',
  ioctl: 'int ioctl(int fd, unsigned long request, tenet_ifreq *ifreq)',
};

let loaded: Libc | undefined;

export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const koffi: Koffi = createRequire(import.meta.url)('koffi');
  koffi.struct('tenet_ifreq', { name: koffi.array('uint8_t', 16), data: 'void *', rest: koffi.array('uint8_t', 16) });
  koffi.struct('tenet_iovec', { base: 'void *', lengthBytes: 'size_t' });
  koffi.struct('tenet_msghdr', {
    ...{ name: 'void *', nameLength: 'uint32_t', parts: 'tenet_iovec *', partCount: 'size_t' },
    ...{ control: 'void *', controlLength: 'size_t', flags: 'int' },
  });
  const library = koffi.load(null);
  const functions = Object.entries(DECLARATIONS).map(([name, declaration]) => [name, library.func(declaration)]);
  return { ...(Object.fromEntries(functions) as Omit<Libc, 'errno'>), errno: () => koffi.errno() };
}
