import { CNI_ERROR, type CniVersion, isCniVersionSince } from '@tenet/model/cni';
import { type Ip, isTenetError, type Mac, type Prefix } from '@tenet/std';
import { podRoutes } from './pod-link.ts';

/** What an ADD made. */
export interface Wired {
  readonly ifName: string;
  readonly netns: string;
  readonly hostVeth: string;
  readonly ip: Ip;
  readonly mac: Mac;
  readonly mtuBytes: number;
  readonly subnet: Prefix;
  readonly gateway: Ip;
  readonly clusterNetworks: readonly Prefix[];
}

/** The result of an ADD in the version that the caller speaks (CNI 1.1.0, section 5). */
export function addResult(version: CniVersion, wired: Wired): object {
  const mtu = isCniVersionSince(version, '1.1.0') ? { mtu: wired.mtuBytes } : {};
  // Before 1.0.0 each address said its family.
  const family = isCniVersionSince(version, '1.0.0') ? {} : { version: '4' };
  return {
    cniVersion: version,
    interfaces: [
      { name: wired.hostVeth, ...mtu },
      { name: wired.ifName, mac: wired.mac.toString(), sandbox: wired.netns, ...mtu },
    ],
    ips: [
      { ...family, address: `${wired.ip}/${wired.subnet.length}`, gateway: wired.gateway.toString(), interface: 1 },
    ],
    routes: podRoutes(wired).map(({ destination, gateway }) => ({
      dst: destination.toString(),
      ...(gateway && { gw: gateway.toString() }),
    })),
    dns: {},
  };
}

const CODE_OF: Readonly<Record<string, number>> = {
  CNI_ENVIRONMENT: CNI_ERROR.invalidEnvironment,
  CNI_CONFIGURATION: CNI_ERROR.invalidConfiguration,
  CNI_VERSION: CNI_ERROR.incompatibleVersion,
  CNI_COMMAND_TOO_NEW: CNI_ERROR.incompatibleVersion,
  CONTAINER_UNKNOWN: CNI_ERROR.unknownContainer,
  NETNS_MISSING: CNI_ERROR.unknownContainer,
  LEASE_NOT_WRITTEN: CNI_ERROR.ioFailure,
  ATTACHMENT_BROKEN: CNI_ERROR.attachmentBroken,
  NODE_NOT_READY: CNI_ERROR.notAvailable,
  NODE_NOT_READY_FOR_PODS: CNI_ERROR.notAvailableLimited,
};

/** What the plugin prints of a failure (CNI 1.1.0, section 5, "Error"). */
interface CniErrorAnswer {
  readonly cniVersion: CniVersion;
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/**
 * A failure as CNI wants it: `msg` is the sentence, `details` the remedy. What is not in the table above may be tried
 * again.
 */
export function errorAnswer(version: CniVersion, error: unknown): CniErrorAnswer {
  if (!isTenetError(error)) {
    return {
      cniVersion: version,
      code: CNI_ERROR.internal,
      msg: error instanceof Error ? error.message : String(error),
      details: 'report this: it is a bug',
    };
  }
  return {
    cniVersion: version,
    code: CODE_OF[error.code] ?? CNI_ERROR.tryAgainLater,
    msg: error.message,
    details: `${error.remedy} (${error.code})`,
  };
}
