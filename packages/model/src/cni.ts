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

/** Error codes of CNI 1.1.0, section 5, "Error". */
export const CNI_ERROR = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  decodingFailure: 6,
  invalidConfiguration: 7,
  tryAgainLater: 11,
  internal: 999,
} as const;

/** Where the daemon listens unless told otherwise. */
export const DEFAULT_CNI_SOCKET = '/run/tenet/cni.sock';
