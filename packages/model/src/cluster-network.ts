import { Prefix } from '@tenet/std';
import { failModel } from './errors.ts';
import { ipv4Field } from './ipv4-field.ts';
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
  const prefix = (field: string, text: unknown): Prefix => {
    const read = ipv4Field(text, Prefix.parse, (problem) => invalid(field, problem));
    const unusable = UNUSABLE.find(({ range }) => range.overlaps(read));
    if (unusable !== undefined) invalid(field, `${read} overlaps ${unusable.range}, which is ${unusable.is}`);
    return read;
  };

  if (object.pluginName !== undefined && object.pluginName !== PLUGIN_NAME) {
    invalid('pluginName', `${JSON.stringify(object.pluginName)} is not supported, only ${PLUGIN_NAME} is`);
  }
  const serviceNetwork = prefix('serviceNetwork', object.serviceNetwork);
  const entries = object.clusterNetworks ?? [];
  // A cluster without a schema for the kind stores anything.
  const isEntry = (entry: unknown) => typeof entry === 'object' && entry !== null;
  if (!Array.isArray(entries)) invalid('clusterNetworks', 'is not a list');
  const ranges: ClusterRange[] = entries.map((entry, at) => {
    const field = `clusterNetworks[${at}]`;
    if (!isEntry(entry)) invalid(field, `${JSON.stringify(entry)} is not an object with CIDR and hostSubnetLength`);
    return { cidr: prefix(`${field}.CIDR`, entry.CIDR), hostBits: entry.hostSubnetLength };
  });
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
    if (room < 2) invalid(field, `${range.cidr} has no room for a subnet with a gateway and a pod`);
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

/** Addresses that no interface has (RFC 1122 §3.2.1.3, RFC 1112 §4): a pod or a service there could not be spoken to. */
const UNUSABLE = [
  { range: Prefix.parse('0.0.0.0/8'), is: 'this network' },
  { range: Prefix.parse('127.0.0.0/8'), is: 'loopback' },
  { range: Prefix.parse('224.0.0.0/4'), is: 'multicast' },
  { range: Prefix.parse('240.0.0.0/4'), is: 'class E and broadcast' },
] as const;
