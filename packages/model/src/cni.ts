/**
 * What the plugin and the node's daemon must agree on. It imports nothing, since a container runtime executes a bundle
 * of it for every pod.
 */

/** The versions of CNI whose results are given, oldest first. */
export const CNI_VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

export type CniVersion = (typeof CNI_VERSIONS)[number];

/** The version of a configuration that names none (CNI 0.3.1 and before had no other way). */
export const UNNAMED_CNI_VERSION: CniVersion = '0.3.1';

/** The newest version, for answers to callers that cannot be asked. */
export const NEWEST_CNI_VERSION: CniVersion = '1.1.0';

/** What the daemon is asked, and the version that brought it. VERSION the plugin answers by itself. */
export const CNI_COMMANDS = {
  ADD: '0.3.0',
  DEL: '0.3.0',
  CHECK: '0.4.0',
  GC: '1.1.0',
  STATUS: '1.1.0',
} as const satisfies Record<string, CniVersion>;

export type CniCommand = keyof typeof CNI_COMMANDS;

/** True when a version is `since` or later. */
export function isCniVersionSince(version: CniVersion, since: CniVersion): boolean {
  return CNI_VERSIONS.indexOf(version) >= CNI_VERSIONS.indexOf(since);
}

/** Error codes of CNI 1.1.0, section 5, "Error", and "STATUS" of section 2. From 100 on they are the plugin's own. */
export const CNI_ERROR = {
  incompatibleVersion: 1,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfiguration: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  notAvailableLimited: 51,
  /** CHECK found the attachment other than ADD had made it. */
  attachmentBroken: 100,
  internal: 999,
} as const;

/** Where the daemon listens unless told otherwise. */
export const DEFAULT_CNI_SOCKET = '/run/tenet/cni.sock';

/** Where the daemon keeps the leases of this node's pods unless told otherwise. */
export const DEFAULT_LEASE_DIRECTORY = '/var/lib/tenet/leases';
