import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { ClusterSpec } from '../cluster/cluster-spec.ts';
import { failLab } from '../errors.ts';
import { checkSocketPaths, type LabPaths, labPaths } from './lab-paths.ts';

export type Datapath = 'netdev' | 'system';

/** What the rules of services are made of. */
export type ProxyMode = 'iptables' | 'nftables';

/** What a lab is, written once when it is claimed. */
export interface LabSettings {
  readonly version: 2;
  /** In the environment of every process of this lab: even one that was started just before a kill -9 is found. */
  readonly token: string;
  /** Process numbers and start times mean nothing after a boot. */
  readonly bootId: string;
  /** True when the directory itself is the lab's, too. */
  readonly madeDirectory: boolean;
  readonly datapath: Datapath;
  readonly proxy: ProxyMode;
  /** The API server's port on 127.0.0.1, in the machine's namespace and in each node's. */
  readonly apiPort: number;
  readonly cluster: ClusterSpec;
}

export interface Lab {
  readonly paths: LabPaths;
  readonly settings: LabSettings;
}

/** The name of the environment variable that carries the token. */
const TOKEN_VARIABLE = 'TENET_LAB';

/** The assignment that marks the processes of a lab. */
export function tokenAssignment({ token }: LabSettings): string {
  return `${TOKEN_VARIABLE}=${token}`;
}

/** What a new lab is to be; the rest of its settings is found out. */
export type LabWish = Pick<LabSettings, 'datapath' | 'proxy' | 'apiPort' | 'cluster'>;

/**
 * Makes a directory a lab's. Of two that try at the same time one gets LAB_ALREADY_UP. A directory with anything else
 * in it is refused, since `down` removes what is in it.
 */
export function claimLab(state: string, wish: LabWish): Lab {
  const paths = labPaths(resolve(state));
  checkSocketPaths(
    paths,
    wish.cluster.nodes.map((node) => node.name),
  );
  const madeDirectory = mkdirSync(paths.state, { recursive: true, mode: 0o755 }) !== undefined;
  const holds = readdirSync(paths.state).filter((name) => !isDraft(paths, name));
  if (holds.length > 0 && findLab(state) === undefined)
    failLab('STATE_DIRECTORY_TAKEN', { state: paths.state, holds: holds.slice(0, 3).join(', ') });
  const settings: LabSettings = {
    version: 2,
    token: randomBytes(16).toString('hex'),
    bootId: bootId(),
    madeDirectory,
    ...wish,
  };
  // Whole or not there, also after a kill -9: nobody could take down a lab whose settings are half written.
  const draft = `${paths.settings}${DRAFT}${settings.token}`;
  try {
    writeFileSync(draft, `${JSON.stringify(settings)}\n`, { flag: 'wx', mode: 0o600 });
    linkSync(draft, paths.settings);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    failLab('LAB_ALREADY_UP', { state: paths.state, runs: 'another `lab up` has just started' }, error);
  } finally {
    rmSync(draft, { force: true });
  }
  return { paths, settings };
}

/** The lab in this directory, or undefined. STATE_UNREADABLE when its settings are not ours. */
export function findLab(state: string): Lab | undefined {
  const paths = labPaths(resolve(state));
  let text: string;
  try {
    text = readFileSync(paths.settings, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
  return { paths, settings: parseSettings(text, paths.settings) };
}

/** The lab in this directory; LAB_NOT_UP when there is none. */
export function openLab(state: string): Lab {
  return findLab(state) ?? failLab('LAB_NOT_UP', { state: resolve(state) });
}

/** True while the machine has not been started again since the lab was claimed. */
export function isSameBoot({ settings }: Lab): boolean {
  return settings.bootId === bootId();
}

/** Removes the directory of a lab that made it, unless somebody keeps something else there. */
export function releaseDirectory({ paths, settings }: Lab): void {
  for (const name of existsSync(paths.state) ? readdirSync(paths.state) : [])
    if (isDraft(paths, name)) rmSync(join(paths.state, name), { force: true });
  if (!settings.madeDirectory) return;
  try {
    rmdirSync(paths.state);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENOTEMPTY')) throw error;
  }
}

/** Follows the name of the settings in the name of what is to become them. */
const DRAFT = '.draft-';

/** True for what a claim that was killed has left: it had made nothing yet. */
function isDraft({ settings }: LabPaths, name: string): boolean {
  return name.startsWith(`${basename(settings)}${DRAFT}`);
}

function parseSettings(text: string, path: string): LabSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return failLab('STATE_UNREADABLE', { path }, cause);
  }
  return isSettings(value) ? value : failLab('STATE_UNREADABLE', { path });
}

/** The version stands for the shape: only this file writes it. */
function isSettings(value: unknown): value is LabSettings {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 2 && 'token' in value;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** True for a system error with this name. */
function isErrno(error: unknown, name: string): boolean {
  return error instanceof Error && 'code' in error && error.code === name;
}
