import { gatewayOf } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import type { Lab } from '../state/lab-state.ts';
import type { LabStatus } from '../status/lab-status.ts';
import { namespaceOf } from '../targets.ts';

interface EndpointBase {
  /** What people call it: `alpha/web`, `dt-infra1`, `outside`. */
  readonly name: string;
  /** The path of its network namespace. */
  readonly namespace: string;
  readonly ip: Ip;
}

/** Where packets start and end. */
export type Endpoint =
  | (EndpointBase & { readonly kind: 'pod'; readonly vnid: number; readonly node: NodeEndpoint })
  | NodeEndpoint
  | (EndpointBase & { readonly kind: 'outside' });

export interface NodeEndpoint extends EndpointBase {
  readonly kind: 'node';
  /** The address of its tun0: pods see the node as this. */
  readonly gateway: Ip;
}

/** Every pod, every node, and the outside. The lab must be ready: no address may be missing. */
export function endpointsOf(lab: Lab, status: LabStatus): Endpoint[] {
  const nodes = new Map(status.nodes.map((node) => [node.name, nodeEndpoint(lab, node)]));
  const pods = status.pods.map(({ namespace, name, node, ip, vnid }): Endpoint => {
    const home = nodes.get(node ?? '');
    if (home === undefined || ip === null || vnid === null) throw new RangeError(`${namespace}/${name} is not ready`);
    const path = namespaceOf(lab, `pod/${namespace}/${name}`);
    return { kind: 'pod', name: `${namespace}/${name}`, namespace: path, ip: Ip.parse(ip), vnid, node: home };
  });
  const outside = Ip.parse(lab.settings.cluster.outside);
  return [
    ...pods,
    ...nodes.values(),
    { kind: 'outside', name: 'outside', namespace: namespaceOf(lab, 'outside'), ip: outside },
  ];
}

function nodeEndpoint(lab: Lab, { name, ip, subnet }: LabStatus['nodes'][number]): NodeEndpoint {
  if (ip === null || subnet === null) throw new RangeError(`${name} is not ready`);
  const namespace = namespaceOf(lab, `node/${name}`);
  return { kind: 'node', name, namespace, ip: Ip.parse(ip), gateway: gatewayOf(Prefix.parse(subnet)) };
}
