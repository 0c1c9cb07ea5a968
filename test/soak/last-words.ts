import { readFileSync } from 'node:fs';
import type { LabPaths } from '@tenet/lab';

const LINES = 15;

/** What a node's daemons and the kubelet said last, for a message about what went wrong there. */
export function lastWords(paths: LabPaths, node: string): string {
  return [`${node}/agent`, `${node}/ovs-vswitchd`, 'kubelet', 'controller']
    .map((name) => `--- ${name}\n${tailOf(paths.log(name))}`)
    .join('\n');
}

function tailOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES).join('\n');
  } catch {
    return `there is no ${file}`;
  }
}
