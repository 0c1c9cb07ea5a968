import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the kubelet keeps of a pod, so that one that starts again finds what is there. */
export interface Sandbox {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** CNI_CONTAINERID. */
  readonly containerId: string;
  /** The path of its network namespace. */
  readonly netns: string;
  /** The result of the ADD; absent until it is wired. */
  readonly result?: unknown;
}

/** Writes a pod's file in one piece. */
export function writeSandbox(directory: string, sandbox: Sandbox): void {
  const path = join(directory, `${sandbox.uid}${SUFFIX}`);
  writeFileSync(`${path}.new`, `${JSON.stringify(sandbox)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeSandbox(directory: string, { uid }: Pick<Sandbox, 'uid'>): void {
  rmSync(join(directory, `${uid}${SUFFIX}`), { force: true });
}

/** Every pod that is kept here. */
export function readSandboxes(directory: string): Sandbox[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .flatMap((name) => readOne(join(directory, name)));
}

/** One that went between the listing and the reading counts as gone. Only `writeSandbox` writes here. */
function readOne(path: string): Sandbox[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as Sandbox];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

const SUFFIX = '.json';
