import { readFileSync, writeFileSync } from 'node:fs';
import { failHost } from './errors.ts';

/**
 * A network setting of the kernel by its sysctl(8) name: `net.ipv4.ip_forward`. A dot inside a link's name is written
 * as a slash: `net.ipv4.conf.eth0/100.rp_filter`.
 */
export type SysctlKey = `net.${string}`;

/**
 * Reads a setting of the namespace that this thread is in (/proc/sys/net follows it); undefined when the kernel has no
 * such setting.
 */
export function readSysctl(key: SysctlKey): string | undefined {
  const path = sysctlPath(key);
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    return failHost('SYSCTL_REFUSED', { operation: `read ${key}`, errno: codeOf(cause) }, cause);
  }
}

/** Writes a setting of the namespace that this thread is in; SYSCTL_REFUSED when the kernel will not have it. */
export function writeSysctl(key: SysctlKey, value: string | number): void {
  const path = sysctlPath(key);
  try {
    writeFileSync(path, `${value}\n`, { flag: 'r+' });
  } catch (cause) {
    failHost('SYSCTL_REFUSED', { operation: `set ${key} to ${value}`, errno: codeOf(cause) }, cause);
  }
}

/** The file of a setting; RangeError for a name that would lead out of the directory. */
export function sysctlPath(key: SysctlKey): string {
  const names = key.split('.').map((name) => name.replaceAll('/', '.'));
  if (names.some((name) => name === '' || name === '.' || name === '..'))
    throw new RangeError(`${JSON.stringify(key)} is not the name of a sysctl`);
  return `/proc/sys/${names.join('/')}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
