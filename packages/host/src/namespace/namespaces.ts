import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { failHost, fileError } from '../errors.ts';
import { libc } from '../native.ts';
import { Netlink } from '../netlink.ts';
import { checked } from '../system-call.ts';
import { CLONE_NEWNET, MNT_DETACH, MS_BIND, MS_REC, MS_SHARED } from './constants.ts';
import { andComeBack } from './in-namespace.ts';

/**
 * Makes a network namespace and binds it to `path`, usually `/run/netns/NAME`, so that `ip netns` knows it too; its
 * loopback is up. NAMESPACE_EXISTS when the path is taken.
 */
export function createNamespace(path: string): void {
  shareDirectory(dirname(path));
  createMountPoint(path);
  try {
    andComeBack(() => {
      checked('make a network namespace', libc().unshare(CLONE_NEWNET));
      checked(
        `bind a network namespace to ${path}`,
        libc().mount('/proc/thread-self/ns/net', path, 'none', MS_BIND, null),
      );
    });
    using netlink = Netlink.open(path);
    netlink.changeLink('lo', { up: true });
  } catch (error) {
    deleteNamespace(path);
    throw error;
  }
}

/**
 * Unbinds a network namespace from its path and removes the file; false when it was not there. The namespace itself
 * goes when its last process and socket are gone.
 */
export function deleteNamespace(path: string): boolean {
  const unmounted = libc().umount2(path, MNT_DETACH) === 0;
  try {
    rmSync(path);
    return true;
  } catch (cause) {
    if (isNodeError(cause, 'ENOENT')) return unmounted;
    throw cause;
  }
}

/**
 * Makes the directory a shared mount, as `ip netns add` does, so that the namespaces bound in it are seen and let go by
 * other mount namespaces too. It becomes a mount of its own first if it is not one.
 */
function shareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw fileError(`make the directory ${directory}`, cause);
  }
  const share = () => libc().mount('', directory, 'none', MS_SHARED | MS_REC, null);
  if (share() === 0) return;
  checked(`make ${directory} a mount`, libc().mount(directory, directory, 'none', MS_BIND | MS_REC, null));
  checked(`make the mount ${directory} shared`, share());
}

function createMountPoint(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o000));
  } catch (cause) {
    if (isNodeError(cause, 'EEXIST')) failHost('NAMESPACE_EXISTS', { path }, cause);
    throw fileError(`make the file of a network namespace at ${path}`, cause);
  }
}

function isNodeError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
