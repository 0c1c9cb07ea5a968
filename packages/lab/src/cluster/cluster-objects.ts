import {
  ANNOTATION,
  apiVersionOf,
  type HostSubnetObject,
  type KindName,
  type NamespaceObject,
  type NetNamespaceObject,
  type NodeObject,
  type PodObject,
  type ServiceObject,
} from '@tenet/model';
import { IMAGE, LAB_ANNOTATION } from '../kubelet/lab-annotation.ts';
import type { NamespaceSpec, NodeSpec, PodSpec, ServiceSpec } from './cluster-spec.ts';

/** The Node of a node, as its kubelet would register it. */
export function nodeObject({ name, ip }: NodeSpec): NodeObject {
  return {
    ...typeOf('Node'),
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: {
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: name },
      ],
    },
  };
}

/** A subnet chosen beforehand. It names the Node's UID, as the controller would: else the controller takes it for stale. */
export function hostSubnetObject({ name, ip }: NodeSpec, { subnet, nodeUid }: HostSubnetFacts): HostSubnetObject {
  return {
    ...typeOf('HostSubnet'),
    metadata: { name, annotations: { [ANNOTATION.nodeUid]: nodeUid } },
    host: name,
    hostIP: ip,
    subnet,
  };
}

export interface HostSubnetFacts {
  readonly subnet: string;
  readonly nodeUid: string;
}

/** A project's number chosen beforehand. */
export function netNamespaceObject(name: string, netid: number): NetNamespaceObject {
  return { ...typeOf('NetNamespace'), metadata: { name }, netname: name, netid };
}

export function namespaceObject({ name }: NamespaceSpec): NamespaceObject {
  return { ...typeOf('Namespace'), metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } };
}

/** A pod that is bound to its node already: the lab has no scheduler. */
export function podObject({ namespace, name, node, labels, program, ip, ports }: PodSpec): PodObject {
  const container = { name: program ?? 'answerer', image: program === undefined ? IMAGE.answerer : IMAGE[program] };
  return {
    ...typeOf('Pod'),
    metadata: {
      namespace,
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(ip === undefined ? {} : { annotations: { [LAB_ANNOTATION.ip]: ip } }),
    },
    spec: { nodeName: node, containers: [{ ...container, ...(ports === undefined ? {} : { ports }) }] },
  };
}

export function serviceObject({ namespace, name, host, spec }: ServiceSpec): ServiceObject {
  return {
    ...typeOf('Service'),
    metadata: { namespace, name, ...(host === undefined ? {} : { annotations: { [LAB_ANNOTATION.host]: host } }) },
    spec,
  };
}

function typeOf(kind: KindName): { readonly apiVersion: string; readonly kind: KindName } {
  return { apiVersion: apiVersionOf(kind), kind };
}
