import { Ip, Prefix } from '@tenet/std';
import { ANNOTATION } from './annotations.ts';
import { failModel } from './errors.ts';
import { ipv4Field } from './ipv4-field.ts';
import type { HostSubnetObject } from './objects.ts';
import { MAX_VNID, type Vnid, vnidOf } from './vnid.ts';

/** A node's share of the pod addresses, and where its tunnels end. */
export interface HostSubnet {
  readonly name: string;
  readonly uid: string;
  /** When it was made, as the API server writes it (RFC 3339, UTC, so that text order is age); empty when not known. */
  readonly createdAt: string;
  readonly hostIp: Ip;
  /** Absent only while the assign-subnet annotation asks for one. */
  readonly subnet?: Prefix;
  /** A host that understands one VNID only: all that is sent to it bears this one. */
  readonly fixedVnid?: Vnid;
  readonly assignSubnet: boolean;
  readonly nodeUid?: string;
}

/** Reads and validates a HostSubnet; OBJECT_INVALID names the field. */
export function parseHostSubnet(object: HostSubnetObject): HostSubnet {
  const { name, uid = '', creationTimestamp: createdAt = '', annotations = {} } = object.metadata;
  const invalid = (field: string, problem: string): never =>
    failModel('OBJECT_INVALID', { kind: 'HostSubnet', name, field, problem });
  const assignSubnet = annotations[ANNOTATION.assignSubnet] !== undefined;
  if (object.host !== name) invalid('host', `${JSON.stringify(object.host)} must be the object's name`);
  const hostIp = ipv4Field(object.hostIP, Ip.parse, (problem) => invalid('hostIP', problem));
  const subnet =
    (object.subnet ?? '') === '' && assignSubnet
      ? undefined
      : ipv4Field(object.subnet, Prefix.parse, (problem) => invalid('subnet', problem));
  if (subnet !== undefined && subnet.length > 30) invalid('subnet', `${subnet} has no room for a pod`);
  const fixed = annotations[ANNOTATION.fixedVnidHost];
  const nodeUid = annotations[ANNOTATION.nodeUid];
  if (fixed !== undefined && !(/^\d{1,8}$/.test(fixed) && Number(fixed) <= MAX_VNID)) {
    invalid(`annotation ${ANNOTATION.fixedVnidHost}`, `${JSON.stringify(fixed)} is not a VNID`);
  }
  return {
    name,
    uid,
    createdAt,
    hostIp,
    assignSubnet,
    ...(subnet === undefined ? {} : { subnet }),
    ...(fixed === undefined ? {} : { fixedVnid: vnidOf(Number(fixed)) }),
    ...(nodeUid === undefined ? {} : { nodeUid }),
  };
}

/** A node's gateway: the first address of its subnet, which is tun0's. */
export function gatewayOf(subnet: Prefix): Ip {
  return subnet.address.plus(1);
}
