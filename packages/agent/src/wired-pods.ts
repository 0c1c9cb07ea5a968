import type { Vnid } from '@tenet/model';
import type { OvsCache } from '@tenet/ovsdb';
import type { PodPort } from '@tenet/pipeline';
import { Ip, Mac } from '@tenet/std';
import type { Attachment } from './cni/attachment.ts';
import type { PodName } from './cni/request.ts';

/** Names of br0 and its fixed ports. */
export const BRIDGE = 'br0';
export const TUNNEL_PORT = 'vxlan0';
export const HOST_PORT = 'tun0';

/** A pod as the switch's database remembers it: this is where the daemon's state lives. */
export interface WiredPod {
  readonly attachment: Attachment;
  readonly pod: PodName;
  readonly hostVeth: string;
  readonly netns: string;
  readonly ip: Ip;
  /** Absent while ovs-vswitchd has given none. */
  readonly ofPort?: number;
}

/** The `external_ids` of a pod's Interface: `sandbox` and `ip` as openshift-sdn, the rest so that it names the pod alone. */
export function externalIdsOf({
  attachment,
  pod,
  netns,
  ip,
}: Omit<WiredPod, 'hostVeth' | 'ofPort'>): Record<string, string> {
  return {
    sandbox: attachment.containerId,
    ip: ip.toString(),
    ifname: attachment.ifName,
    netns,
    'pod-namespace': pod.namespace,
    'pod-name': pod.name,
    'pod-uid': pod.uid,
  };
}

/** Every pod on br0. A row that does not name a pod is nobody's, and gets no flows. */
export function wiredPods(cache: OvsCache): WiredPod[] {
  return cache.interfacesOf(BRIDGE).flatMap(({ name, ofport, external_ids: ids }) => {
    const ip = addressOf(ids.ip);
    if (ids.sandbox === undefined || ids.ifname === undefined || ip === undefined) return [];
    return [
      {
        attachment: { containerId: ids.sandbox, ifName: ids.ifname },
        pod: { namespace: ids['pod-namespace'] ?? '', name: ids['pod-name'] ?? '', uid: ids['pod-uid'] ?? '' },
        hostVeth: name,
        netns: ids.netns ?? '',
        ip,
        ...(ofport === undefined || ofport < 1 ? {} : { ofPort: ofport }),
      },
    ];
  });
}

/**
 * The pods that get flows: those with a port and a project. Of two that claim one address neither does, since
 * nobody can say whose it is.
 */
export function podPorts(pods: readonly WiredPod[], vnidOf: (namespace: string) => Vnid | undefined): PodPort[] {
  const claims = new Map<string, number>();
  for (const { ip } of pods) claims.set(ip.toString(), (claims.get(ip.toString()) ?? 0) + 1);
  return pods.flatMap(({ ip, ofPort, pod }) => {
    const vnid = vnidOf(pod.namespace);
    if (ofPort === undefined || vnid === undefined || claims.get(ip.toString()) !== 1) return [];
    return [{ ip, mac: Mac.fromIpv4(ip), ofPort, vnid }];
  });
}

function addressOf(text: string | undefined): Ip | undefined {
  try {
    return text === undefined ? undefined : Ip.parse(text);
  } catch {
    return undefined;
  }
}
