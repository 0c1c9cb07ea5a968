import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deleteNamespace } from '@tenet/host';

const NAMESPACES = '/run/netns';

/**
 * Removes what test processes that were killed have left: namespaces and temporary directories named
 * `<prefix>-<pid>-…` whose process is gone. No other name is touched.
 */
export function sweep(prefix: string): void {
  for (const directory of [NAMESPACES, tmpdir()])
    for (const name of namesIn(directory)) {
      const pid = name.startsWith(`${prefix}-`) ? /^(\d+)-/.exec(name.slice(prefix.length + 1))?.[1] : undefined;
      if (pid === undefined || isAlive(Number(pid))) continue;
      const path = join(directory, name);
      if (directory === NAMESPACES) deleteNamespace(path);
      else rmSync(path, { recursive: true, force: true });
    }
}

/** None where the directory is not there, as before the first namespace. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is somebody else's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
