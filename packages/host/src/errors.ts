import { getSystemErrorMap } from 'node:util';
import { errorKinds, isTenetError, kind, type TenetError } from '@tenet/std';

/** What the kernel said about a request that it refused. */
export interface Refusal {
  /** What was asked for, with its arguments: `set the MTU of eth0 to 70000`. */
  readonly operation: string;
  /** The name of the error number: `EINVAL`. */
  readonly errno: string;
  /** What the error number means: `invalid argument`. */
  readonly meaning: string;
  /** The kernel's own sentence (netlink extended ACK), when it gave one. */
  readonly kernel?: string | undefined;
}

/** What a program that was run on our behalf said when it failed. */
export interface ToolFailure {
  /** The command line. */
  readonly command: string;
  /** Its exit status, or the signal that ended it. */
  readonly status: number | string;
  /** The line in which it says why. */
  readonly says: string;
  /** The line of the input that it names, when it names one. */
  readonly input?: { readonly line: number; readonly text: string } | undefined;
}

/** What to do about an error number; anything else gets the last line. */
const REMEDIES: Readonly<Record<string, string>> = {
  EPERM: 'run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  EACCES: 'run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN',
  EEXIST: 'remove what is there already, or choose another name',
  ENODEV: 'check that the link exists in this namespace: ip link',
  ENOENT: 'check that the object exists in this namespace',
  EINVAL: 'check the values against what the kernel says it accepts',
  ERANGE: 'choose a value in the range that the link allows',
  ENETUNREACH: 'check that the gateway is on a network of the link, and that the link is up: ip route get GATEWAY',
  EHOSTUNREACH: 'check that there is a route to the address: ip route get ADDRESS',
  ENETDOWN: 'check that the link is up: ip link',
  EADDRINUSE: 'check which program has the port, and end it or choose another port: ss -lntup',
  EADDRNOTAVAIL: 'check that the address is on a link of this namespace: ip address',
  ENOTSUP: 'check that the kernel has the module for this kind of object',
  EROFS: 'check that the file system may be written to',
  ENOSPC: 'check that the file system has space and inodes left: df, df -i',
  EMFILE: 'check the limit of open files of this process',
  EBUSY: 'wait until the other user of the object has released it, then try again',
  ENOMEM: 'check the memory of the machine and the limits of its cgroup',
  ENOBUFS: 'wait and try again: the kernel was out of buffers',
  EAGAIN: 'check the kernel log: the kernel did not answer in time',
};

/** Every way in which the kernel, or a tool that speaks to it, fails us. */
export const {
  error: hostError,
  fail: failHost,
  table: HOST_ERRORS,
} = errorKinds({
  KERNEL_REFUSED: kind<Refusal>({
    says: ({ operation, errno, meaning, kernel }) =>
      `cannot ${operation}: ${errno}, ${meaning}${kernel ? `; the kernel says: ${kernel}` : ''}`,
    remedy: ({ errno }) => REMEDIES[errno] ?? 'check the kernel log for what the error number means here: dmesg',
  }),
  LINK_NOT_FOUND: kind<{ link: string; operation: string }>({
    says: ({ link, operation }) => `cannot ${operation}: there is no link ${link} in this namespace`,
    remedy: () => 'check the name and the namespace: ip link',
  }),
  NAMESPACE_EXISTS: kind<{ path: string }>({
    says: ({ path }) => `the network namespace ${path} exists already`,
    remedy: ({ path }) => `remove it, or choose another name than ${path}`,
  }),
  NAMESPACE_NOT_FOUND: kind<{ path: string }>({
    says: ({ path }) => `there is no network namespace at ${path}`,
    remedy: ({ path }) => `check that ${path} exists, and that /run/netns is shared with this mount namespace`,
  }),
  DUMP_INTERRUPTED: kind<{ operation: string; tries: number }>({
    says: ({ operation, tries }) => `cannot ${operation}: it changed while being read, ${tries} times in a row`,
    remedy: () => 'wait until fewer changes are made, then try again',
  }),
  NETLINK_MALFORMED: kind<{ why: string }>({
    says: ({ why }) => `the kernel sent a netlink message that makes no sense: ${why}`,
    remedy: () => 'check that this kernel is one of those in the documentation, and report it with its version',
  }),
  SYSCTL_REFUSED: kind<{ operation: string; errno: string }>({
    says: ({ operation, errno }) => `cannot ${operation}: ${errno}`,
    remedy: ({ errno }) =>
      errno === 'ENOENT'
        ? 'check the name of the setting, and that its link exists'
        : 'check the value, and run as root',
  }),
  TOOL_MISSING: kind<{ command: string }>({
    says: ({ command }) => `the program ${command} is not installed or not on the PATH`,
    remedy: ({ command }) => `install the package that has ${command} (iptables, nftables)`,
  }),
  TOOL_NOT_STARTED: kind<{ command: string; errno: string }>({
    says: ({ command, errno }) => `the program ${command} could not be started: ${errno}`,
    remedy: ({ errno }) =>
      errno === 'EACCES'
        ? 'check that the program may be executed'
        : 'check the memory of the machine and its limits of processes and open files',
  }),
  TOOL_SILENT: kind<{ command: string; deadlineMs: number }>({
    says: ({ command, deadlineMs }) => `${command} did not end within ${deadlineMs} ms and was killed`,
    remedy: () => 'check the load of the machine, and who holds the lock of iptables: fuser -v /run/xtables.lock',
  }),
  TOOL_FAILED: kind<ToolFailure>({
    says: ({ command, status, says, input }) =>
      `${command} failed (${status}): ${says}${input ? `, at line ${input.line}: ${input.text}` : ''}`,
    remedy: ({ input }) =>
      input ? 'check the named line against the rules that are there' : 'run the command by hand to see more',
  }),
});

const ERRNO = getSystemErrorMap();

/** The name and the meaning of an error number: `['ENODEV', 'no such device']`. */
export function errnoText(errno: number): readonly [name: string, meaning: string] {
  return ERRNO.get(-errno) ?? [`errno ${errno}`, 'an error that this runtime has no text for'];
}

/** The error for a request that failed with this error number. */
export function kernelError(operation: string, errno: number, kernel?: string): TenetError {
  const [name, meaning] = errnoText(errno);
  return hostError('KERNEL_REFUSED', { operation, errno: name, meaning, kernel });
}

/** The error for what `node:fs` threw; anything that is no refusal of the kernel's as it is. */
export function fileError(operation: string, cause: unknown): unknown {
  if (!(cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number')) return cause;
  const [errno, meaning] = errnoText(-cause.errno);
  return hostError('KERNEL_REFUSED', { operation, errno, meaning }, cause);
}

/** True when the kernel refused with one of these error names. */
export function refusedWith(error: unknown, ...errnos: readonly string[]): boolean {
  return isTenetError(error, 'KERNEL_REFUSED') && errnos.some((errno) => errno === error.facts.errno);
}
