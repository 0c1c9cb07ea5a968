import type { Vnid } from '@tenet/model';
import type { OvsCache, Row } from '@tenet/ovsdb';
import type { PodPort } from '@tenet/pipeline';
import { Ip, Mac } from '@tenet/std';
import { type Attachment, attachmentKey, hostVethName } from './cni/attachment.ts';
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
export function wiredPods(cache: OvsCache): readonly WiredPod[] {
  return indexOf(cache).pods;
}

/** The pod of an attachment, as br0 has it. */
export function wiredPod(cache: OvsCache, attachment: Attachment): WiredPod | undefined {
  return indexOf(cache).byKey.get(attachmentKey(attachment));
}

/** True when a port of br0 has, or asks for, this number. */
export function isOfPortTaken(cache: OvsCache, port: number): boolean {
  return cache.interfacesOf(BRIDGE).some(({ ofport, ofport_request }) => ofport === port || ofport_request === port);
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

interface Index {
  readonly version: number;
  readonly pods: readonly WiredPod[];
  readonly byKey: ReadonlyMap<string, WiredPod>;
}

/** What was read of each replica, until it changes: with hundreds of pods every call would read all rows again. */
const indexes = new WeakMap<OvsCache, Index>();
/** What was read of each row: one that is told again unchanged is the same object. */
const read = new WeakMap<Row<'Interface'>, readonly WiredPod[]>();

function indexOf(cache: OvsCache): Index {
  const { version } = cache;
  const known = indexes.get(cache);
  if (known?.version === version) return known;
  const pods = cache.interfacesOf(BRIDGE).flatMap((row) => {
    const found = read.get(row) ?? podOf(row);
    read.set(row, found);
    return found;
  });
  const index = { version, pods, byKey: new Map(pods.map((pod) => [attachmentKey(pod.attachment), pod])) };
  indexes.set(cache, index);
  return index;
}

function podOf({ name, ofport, external_ids: ids }: Row<'Interface'>): readonly WiredPod[] {
  const ip = addressOf(ids.ip);
  if (ids.sandbox === undefined || ids.ifname === undefined || ip === undefined) return [];
  const attachment = { containerId: ids.sandbox, ifName: ids.ifname };
  // The name tells whose port it is; another that says so too, or a pod's that says it is another's, is believed nothing.
  if (name !== hostVethName(attachment)) return [];
  return [
    {
      attachment,
      pod: { namespace: ids['pod-namespace'] ?? '', name: ids['pod-name'] ?? '', uid: ids['pod-uid'] ?? '' },
      hostVeth: name,
      netns: ids.netns ?? '',
      ip,
      ...(ofport === undefined || ofport < 1 ? {} : { ofPort: ofport }),
    },
  ];
}

function addressOf(text: string | undefined): Ip | undefined {
  try {
    return text === undefined ? undefined : Ip.parse(text);
  } catch {
    return undefined;
  }
}
