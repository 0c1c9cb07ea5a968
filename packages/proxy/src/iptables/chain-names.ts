import { sha256 } from '@tenet/std';
import type { ProxiedEndpoint, ProxiedPort } from '../proxied-port.ts';

/** The names of what a service's port may have chains for; people who read rules know them by their beginnings. */
export interface PortChains {
  /** To all endpoints. */
  readonly svc: string;
  /** To the endpoints of this node. */
  readonly svl: string;
  /** From outside of the cluster. */
  readonly ext: string;
  /** Through the load balancer, when not everybody may. */
  readonly fw: string;
}

/** The alphabet of base32 (RFC 4648 §6). */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** As many bytes of a digest as 16 characters of base32 hold. */
const HASH_BYTES = 10;

const ENCODER = new TextEncoder();

/** `logging/logging-es:` + `tcp`: KUBE-SVC-BWSQUABZDDFLJOKN. */
export function portChains(port: ProxiedPort): PortChains {
  const hash = hashOf(hashedName(port));
  return { svc: `KUBE-SVC-${hash}`, svl: `KUBE-SVL-${hash}`, ext: `KUBE-EXT-${hash}`, fw: `KUBE-FW-${hash}` };
}

/** `logging/logging-es:` + `tcp` + `10.131.2.45:9200`: KUBE-SEP-H2SZLG7QT6WVYISM. */
export function endpointChain(port: ProxiedPort, { ip, port: number }: ProxiedEndpoint): string {
  return `KUBE-SEP-${hashOf(`${hashedName(port)}${ip}:${number}`)}`;
}

/** The colon is there without a name behind it too, unlike in what people are shown. */
function hashedName({ namespace, service, portName, protocol }: ProxiedPort): string {
  return `${namespace}/${service}:${portName}${protocol}`;
}

function hashOf(text: string): string {
  const digest = sha256(ENCODER.encode(text));
  let bits = 0;
  let held = 0;
  let hash = '';
  for (const byte of digest.subarray(0, HASH_BYTES)) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) hash += ALPHABET[(held >>> (bits - 5)) & 31];
    held &= 31;
  }
  return hash;
}
