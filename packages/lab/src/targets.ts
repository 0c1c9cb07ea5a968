import { existsSync } from 'node:fs';
import { failLab } from './errors.ts';
import { readSandboxes } from './kubelet/sandbox-file.ts';
import type { Lab } from './state/lab-state.ts';

/** Every network namespace that somebody may enter by name: `node/NAME`, `pod/NS/NAME`, `outside`. */
export function targetsOf({ paths, settings }: Lab): ReadonlyMap<string, string> {
  const pods = existsSync(paths.pods) ? readSandboxes(paths.pods) : [];
  return new Map([
    ...settings.cluster.nodes.map(({ name }) => [`node/${name}`, paths.namespace(name)] as const),
    ...pods.map(({ namespace, name, netns }) => [`pod/${namespace}/${name}`, netns] as const),
    ['outside', paths.namespace('outside')] as const,
  ]);
}

/** The path of a target's namespace; UNKNOWN_TARGET lists the names that there are. */
export function namespaceOf(lab: Lab, target: string): string {
  const targets = targetsOf(lab);
  return targets.get(target) ?? failLab('UNKNOWN_TARGET', { target, known: [...targets.keys()] });
}
