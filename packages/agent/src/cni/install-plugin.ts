import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CNI_VERSIONS, type CniVersion } from '@tenet/model/cni';
import type { AgentConfig } from '../config.ts';

/** The plugin's program: a runtime and what it runs, both by absolute path. */
export interface PluginProgram {
  readonly runtime: string;
  readonly bundle: string;
}

const PLUGIN_NAME = 'tenet-cni';
const CONFIGURATION_NAME = '80-tenet.conflist';

/**
 * What runtimes are told that do not choose for themselves (CNI 1.1.0, section 1, "cniVersions"): the oldest version
 * with CHECK, which all of them speak. Debian 12's containerd 1.6 refuses each result of 1.1.0.
 */
const VERSION_FOR_ALL: CniVersion = '0.4.0';

/** Writes what the container runtime executes. Nothing is looked up in PATH. */
export function installPlugin(binDirectory: string, { runtime, bundle }: PluginProgram): void {
  mkdirSync(binDirectory, { recursive: true });
  const draft = join(binDirectory, `.${PLUGIN_NAME}`);
  writeFileSync(draft, `#!/bin/sh\nexec ${quoted(runtime)} ${quoted(bundle)}\n`);
  chmodSync(draft, 0o755);
  renameSync(draft, join(binDirectory, PLUGIN_NAME));
}

/**
 * Tells the container runtime that the network is ready. Written last, and renamed within its directory: containerd
 * ignores a file that is moved in from elsewhere.
 */
export function announceNetwork({ configDirectory, socket, leases }: AgentConfig['cni']): void {
  const configuration = {
    cniVersion: VERSION_FOR_ALL,
    cniVersions: CNI_VERSIONS,
    name: 'tenet',
    plugins: [{ type: PLUGIN_NAME, socket, leases, capabilities: { ips: true } }],
  };
  mkdirSync(configDirectory, { recursive: true });
  const draft = join(configDirectory, `.${CONFIGURATION_NAME}`);
  writeFileSync(draft, `${JSON.stringify(configuration, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, join(configDirectory, CONFIGURATION_NAME));
}

/** Takes the announcement back: no pod may be started on a node that cannot wire it. */
export function withdrawNetwork({ configDirectory }: AgentConfig['cni']): void {
  rmSync(join(configDirectory, CONFIGURATION_NAME), { force: true });
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
