import { type KubeClient, openKubeClient } from '@tenet/kube';
import { type EndpointSliceObject, LABEL, type ServiceObject } from '@tenet/model';
import { isPodReady } from '../kubelet/pod-status.ts';
import type { Lab } from '../state/lab-state.ts';
import { recordedProcesses } from './what-runs.ts';

/** What `tenet lab status -o json` prints; scripts rely on this form. What is not known yet is null. */
export interface LabStatus {
  readonly nodes: readonly { readonly name: string; readonly ip: string | null; readonly subnet: string | null }[];
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly node: string | null;
    readonly ip: string | null;
    readonly vnid: number | null;
  }[];
  readonly services: readonly ServiceStatus[];
}

export interface ServiceStatus {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  /** `None` for a headless service. */
  readonly clusterIp: string | null;
  readonly externalIps: readonly string[];
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
    readonly nodePort: number | null;
  }[];
  /** How many addresses in its EndpointSlices are ready. */
  readonly ready: number;
  readonly endpoints: number;
}

/** The status, and what is wrong in sentences. */
export interface LabHealth {
  readonly status: LabStatus;
  readonly problems: readonly string[];
}

/** Asks the lab's API server and looks at the lab's processes. Fails as the API server fails. */
export async function labHealth(lab: Lab, signal: AbortSignal): Promise<LabHealth> {
  await using kube = await openKubeClient({
    kubeconfig: lab.paths.kubeconfig,
    signal,
    userAgent: 'tenet-lab',
    deadlineMs: 5000,
  });
  const { status, unready } = await readStatus(kube);
  return { status, problems: [...deadProcesses(lab), ...unready] };
}

/** A sentence for each process that has ended: known even when the API server is one of them. */
export function deadProcesses(lab: Lab): string[] {
  return recordedProcesses(lab)
    .filter((each) => !each.isAlive)
    .map(({ name, pid }) => `the process ${name} (${pid}) has ended: see ${lab.paths.log(name)}`);
}

/** What the API server says of the lab, and a sentence for each pod that is not ready. */
export async function readStatus(kube: KubeClient): Promise<{ status: LabStatus; unready: string[] }> {
  const [nodes, subnets, netNamespaces, pods, services, slices] = await Promise.all([
    kube.list('Node'),
    kube.list('HostSubnet'),
    kube.list('NetNamespace'),
    kube.list('Pod'),
    kube.list('Service'),
    kube.list('EndpointSlice'),
  ]);
  const subnetOf = new Map(subnets.items.map(({ host, subnet }) => [host, subnet]));
  const vnidOf = new Map(netNamespaces.items.map(({ netname, netid }) => [netname, netid]));
  const unready = pods.items.flatMap((pod) => {
    const why = pod.status?.message ?? 'the kubelet has not said why';
    return isPodReady(pod) ? [] : [`the pod ${pod.metadata.namespace}/${pod.metadata.name} is not ready: ${why}`];
  });
  const status: LabStatus = {
    nodes: nodes.items.map(({ metadata: { name }, status }) => ({
      name,
      ip: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? null,
      subnet: subnetOf.get(name) ?? null,
    })),
    pods: pods.items.map(({ metadata: { name, namespace = '' }, spec, status }) => ({
      namespace,
      name,
      node: spec.nodeName ?? null,
      ip: status?.podIP ?? null,
      vnid: vnidOf.get(namespace) ?? null,
    })),
    services: services.items.map((service) => serviceStatus(service, slices.items)),
  };
  return { status, unready };
}

function serviceStatus({ metadata, spec }: ServiceObject, slices: readonly EndpointSliceObject[]): ServiceStatus {
  const { name, namespace = '' } = metadata;
  const own = slices.filter((slice) => {
    const { namespace: of, labels } = slice.metadata;
    return of === namespace && labels?.[LABEL.serviceName] === name;
  });
  const readyOf = new Map(
    own.flatMap(({ endpoints }) =>
      (endpoints ?? []).map(({ addresses, conditions }) => [addresses[0], conditions?.ready !== false] as const),
    ),
  );
  return {
    namespace,
    name,
    type: spec.type ?? 'ClusterIP',
    clusterIp: spec.clusterIP ?? null,
    externalIps: spec.externalIPs ?? [],
    ports: (spec.ports ?? []).map(({ name: portName = '', protocol = 'TCP', port, nodePort }) => ({
      name: portName,
      protocol,
      port,
      nodePort: nodePort ?? null,
    })),
    ready: [...readyOf.values()].filter((isReady) => isReady).length,
    endpoints: readyOf.size,
  };
}
