import { type Ip, isTenetError, type Mac, type Prefix } from '@tenet/std';
import type { CniVersion } from './request.ts';

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
  const mtu = version === '1.1.0' ? { mtu: wired.mtuBytes } : {};
  // Before 1.0.0 each address said its family.
  const family = version.startsWith('0.') ? { version: '4' } : {};
  return {
    cniVersion: version,
    interfaces: [
      { name: wired.hostVeth, ...mtu },
      { name: wired.ifName, mac: wired.mac.toString(), sandbox: wired.netns, ...mtu },
    ],
    ips: [
      { ...family, address: `${wired.ip}/${wired.subnet.length}`, gateway: wired.gateway.toString(), interface: 1 },
    ],
    routes: [
      { dst: '0.0.0.0/0', gw: wired.gateway.toString() },
      ...wired.clusterNetworks.map((cluster) => ({ dst: cluster.toString() })),
      { dst: '224.0.0.0/4' },
    ],
    dns: {},
  };
}

/** Error codes of CNI 1.1.0, section 5, "Error"; 100 and up are the plugin's own. */
const CNI_ERROR = { environment: 4, decode: 6, configuration: 7, version: 1, tryAgain: 11, internal: 999 } as const;

const CODE_OF: Readonly<Record<string, number>> = {
  CNI_ENVIRONMENT: CNI_ERROR.environment,
  CNI_CONFIGURATION: CNI_ERROR.configuration,
  CNI_VERSION: CNI_ERROR.version,
};

/** A failure as CNI wants it: `msg` is the sentence, `details` the remedy. All of ours but bad input may be repeated. */
export function errorAnswer(version: CniVersion, error: unknown): object {
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
    code: CODE_OF[error.code] ?? CNI_ERROR.tryAgain,
    msg: error.message,
    details: `${error.remedy} (${error.code})`,
  };
}
