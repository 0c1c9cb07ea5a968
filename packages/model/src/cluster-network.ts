import { isTenetError, Prefix } from '@tenet/std';
import { failModel } from './errors.ts';
import type { ClusterNetworkObject } from './objects.ts';

/** One range of pod addresses and how many host bits each node's share of it has. */
export interface ClusterRange {
  readonly cidr: Prefix;
  readonly hostBits: number;
}

/** The cluster's network as validated values. */
export interface ClusterNetwork {
  readonly ranges: readonly ClusterRange[];
  readonly serviceNetwork: Prefix;
  /** UDP port of the tunnels. */
  readonly vxlanPort: number;
  /** MTU of pods and tun0, in bytes. */
  readonly mtuBytes: number;
}

export const PLUGIN_NAME = 'redhat/openshift-ovs-multitenant';
export const DEFAULT_VXLAN_PORT = 4789;
export const DEFAULT_MTU_BYTES = 1450;

/** Outer IPv4, UDP, VXLAN and inner Ethernet headers (RFC 7348 §5). */
export const VXLAN_OVERHEAD_BYTES = 50;

/**
 * Reads and validates a ClusterNetwork; OBJECT_INVALID names the field. Ranges must be canonical IPv4, must leave
 * room for a subnet, and may overlap neither each other nor the service network. The legacy pair
 * `network`/`hostsubnetlength` counts when `clusterNetworks` is empty, and must equal its first entry when not.
 */
export function parseClusterNetwork(object: ClusterNetworkObject): ClusterNetwork {
  const name = object.metadata.name;
  const invalid = (field: string, problem: string): never =>
    failModel('OBJECT_INVALID', { kind: 'ClusterNetwork', name, field, problem });
  const prefix = (field: string, text: unknown): Prefix => ipv4Prefix(text, (problem) => invalid(field, problem));

  if (object.pluginName !== undefined && object.pluginName !== PLUGIN_NAME) {
    invalid('pluginName', `${JSON.stringify(object.pluginName)} is not supported, only ${PLUGIN_NAME} is`);
  }
  const serviceNetwork = prefix('serviceNetwork', object.serviceNetwork);
  const entries = object.clusterNetworks ?? [];
  const ranges: ClusterRange[] = entries.map((entry, at) => ({
    cidr: prefix(`clusterNetworks[${at}].CIDR`, entry.CIDR),
    hostBits: entry.hostSubnetLength,
  }));
  if (ranges.length === 0) {
    if (object.network === undefined) invalid('clusterNetworks', 'is empty and there is no legacy network');
    ranges.push({ cidr: prefix('network', object.network), hostBits: object.hostsubnetlength ?? Number.NaN });
  } else if (object.network !== undefined || object.hostsubnetlength !== undefined) {
    const [first] = ranges;
    if (object.network !== first?.cidr.toString())
      invalid('network', 'differs from the first entry of clusterNetworks');
    if (object.hostsubnetlength !== first?.hostBits)
      invalid('hostsubnetlength', 'differs from the first entry of clusterNetworks');
  }
  for (const [at, range] of ranges.entries()) {
    const field = entries.length === 0 ? 'network' : `clusterNetworks[${at}]`;
    const room = 32 - range.cidr.length;
    if (!Number.isInteger(range.hostBits) || range.hostBits < 2 || range.hostBits > room) {
      invalid(
        entries.length === 0 ? 'hostsubnetlength' : `${field}.hostSubnetLength`,
        `must be between 2 and ${room} for ${range.cidr}`,
      );
    }
    if (range.cidr.overlaps(serviceNetwork))
      invalid(field, `${range.cidr} overlaps the service network ${serviceNetwork}`);
    for (const earlier of ranges.slice(0, at)) {
      if (range.cidr.overlaps(earlier.cidr)) invalid(field, `${range.cidr} overlaps ${earlier.cidr}`);
    }
  }
  const vxlanPort = object.vxlanPort ?? DEFAULT_VXLAN_PORT;
  if (!Number.isInteger(vxlanPort) || vxlanPort < 1 || vxlanPort > 65_535)
    invalid('vxlanPort', `${vxlanPort} is not a UDP port`);
  const mtuBytes = object.mtu ?? DEFAULT_MTU_BYTES;
  if (!Number.isInteger(mtuBytes) || mtuBytes < 576 || mtuBytes > 65_486)
    invalid('mtu', `${mtuBytes} is not between 576 and 65486`);
  return { ranges, serviceNetwork, vxlanPort, mtuBytes };
}

function ipv4Prefix(text: unknown, invalid: (problem: string) => never): Prefix {
  if (typeof text !== 'string') return invalid('is missing');
  let prefix: Prefix;
  try {
    prefix = Prefix.parse(text);
  } catch (error) {
    if (!isTenetError(error)) throw error;
    return invalid(`is wrong: ${error.message}; ${error.remedy}`);
  }
  if (prefix.family !== 4) return invalid(`${text} is IPv6, which is not supported yet`);
  return prefix;
}
