import { ANNOTATION, apiVersionOf, type HostSubnetObject, MAX_VNID, type NodeObject } from '@tenet/model';
import type { Prefix } from '@tenet/std';

/** Where the host is, and which pods are behind it. */
export interface HostSubnetValues {
  readonly hostIP: string;
  readonly subnet: Prefix;
}

/** The HostSubnet of a Node; it bears the UID of the Node, so that it goes with it. */
export function hostSubnetFor({ metadata }: NodeObject, values: HostSubnetValues): HostSubnetObject {
  return hostSubnet(metadata.name, values, metadata.uid === undefined ? {} : { [ANNOTATION.nodeUid]: metadata.uid });
}

/** The answer to an assign-subnet request: of its annotations only a valid fixed-vnid-host is carried over. */
export function requestedHostSubnet({ metadata }: HostSubnetObject, values: HostSubnetValues): HostSubnetObject {
  const fixed = metadata.annotations?.[ANNOTATION.fixedVnidHost];
  const isVnid = fixed !== undefined && /^\d{1,8}$/.test(fixed) && Number(fixed) <= MAX_VNID;
  return hostSubnet(metadata.name, values, isVnid ? { [ANNOTATION.fixedVnidHost]: fixed } : {});
}

function hostSubnet(
  name: string,
  { hostIP, subnet }: HostSubnetValues,
  annotations: Readonly<Record<string, string>>,
): HostSubnetObject {
  return {
    apiVersion: apiVersionOf('HostSubnet'),
    kind: 'HostSubnet',
    metadata: { name, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    host: name,
    hostIP,
    subnet: subnet.toString(),
  };
}
