import { Netlink, PacketSocket } from '@tenet/host';
import { isReached, type Outcome, probePing, probeTcp, probeUdp } from '@tenet/lab';
import { unixctl } from '@tenet/ovsdb';
import { SERVICE_ZONE } from '@tenet/pipeline';
import { isTenetError } from '@tenet/std';
import type { PrivateLab } from '../e2e/private-lab.ts';
import { type CastPod, circleOf, friendsOf, strangersOf } from './cast.ts';
import type { Ear, Ears } from './ears.ts';
import { detourFrame, directFrames, forbiddenFrames } from './marked-frames.ts';
import type { Seeded } from './seeded.ts';

export interface Attacking {
  readonly lab: PrivateLab;
  readonly ears: Ears;
  readonly choices: Seeded;
}

/** How many strangers get frames, and how many of them are asked by sockets of the kernel as well. */
const STRANGERS = 6;
const ASKED = 2;
/** In vain: an answer would take well under a millisecond. */
const ASK_MS = 400;

/**
 * Has a pod try to reach strangers in every way, and friends in those that are allowed, among the pods of this very
 * moment. What gets through is for the ears to report, or reported here when somebody answers. True when the switch
 * was seen to remember the pod's connection with a friend through the host.
 */
export async function attack({ lab, ears, choices }: Attacking, ear: Ear): Promise<boolean> {
  const { pod } = ear;
  const strangers = some(choices, strangersOf(pod, ears.present), STRANGERS);
  const [friend] = some(choices, friendsOf(pod, ears.present), 1);
  for (const stranger of strangers)
    for (const { bytes } of [...directFrames(pod, stranger), ...forbiddenFrames(pod, stranger)]) ear.send(bytes);
  for (const { bytes } of friend === undefined ? [] : directFrames(pod, friend)) ear.send(bytes);
  for (const stranger of strangers.slice(0, 1)) sendFromHost(lab, pod, stranger);
  if (friend !== undefined) sendFromHost(lab, pod, friend);
  await Promise.all(strangers.slice(0, ASKED).map((stranger) => ask(ears, pod, stranger)));
  return friend !== undefined && (await isRemembered(lab, pod));
}

/** Asks by TCP, UDP and ping from sockets of the pod's own kernel, which has been told the stranger's MAC. */
async function ask(ears: Ears, pod: CastPod, stranger: CastPod): Promise<void> {
  const known = { link: 'eth0', address: stranger.ip };
  using netlink = Netlink.open(pod.netns);
  netlink.setNeighbour({ ...known, mac: stranger.mac, permanent: true });
  const target = { namespace: pod.netns, to: stranger.ip, timeoutMs: ASK_MS };
  const probes = { TCP: probeTcp(target), UDP: probeUdp(target), ping: probePing(target) };
  for (const [how, probing] of Object.entries(probes)) {
    const outcome = await probing;
    if (!isReached(outcome) || isInnocent(ears, { pod, stranger, outcome })) continue;
    const from = `${pod.name} on ${pod.node} (${pod.ip})`;
    ears.report({ from, to: `${stranger.name} on ${stranger.node} (${stranger.ip})`, how: words(how, outcome) });
  }
  netlink.deleteNeighbour(known);
}

/** The stranger may have gone, and its address to a pod of our own circle: then an answer is none of its. */
function isInnocent(
  ears: Ears,
  { pod, stranger, outcome }: { readonly pod: CastPod; readonly stranger: CastPod; readonly outcome: Outcome },
): boolean {
  if (outcome.outcome === 'answered') return circleOf(outcome.answer.pod) === pod.circle;
  return !ears.present.includes(stranger);
}

function words(how: string, outcome: Outcome): string {
  return outcome.outcome === 'answered'
    ? `${how}, answered by ${outcome.answer.pod}`
    : `${how}, which came to ${outcome.outcome}`;
}

/** As if the node had translated a request of the pod to a service. Without its switch, it does not. */
function sendFromHost(lab: PrivateLab, pod: CastPod, to: CastPod): void {
  const namespace = lab.paths.namespace(pod.node);
  using netlink = Netlink.open(namespace);
  const gatewayMac = netlink.link('tun0')?.mac;
  if (gatewayMac === undefined) return;
  try {
    using tun0 = PacketSocket.open({ namespace, link: 'tun0' });
    tun0.send(detourFrame(pod, { to, gatewayMac }).bytes);
  } catch (error) {
    if (!isTenetError(error, 'LINK_NOT_FOUND') && !isTenetError(error, 'KERNEL_REFUSED')) throw error;
  }
}

/** True when the switch of the pod's node has an entry of the pod; false also while nobody answers. */
async function isRemembered(lab: PrivateLab, pod: CastPod): Promise<boolean> {
  const { unixctl: control } = lab.paths.node(pod.node);
  const dump = await unixctl(control, 'dpctl/dump-conntrack', [`zone=${SERVICE_ZONE}`]).catch(() => '');
  return dump.includes(`src=${pod.ip},`);
}

function some<T>(choices: Seeded, from: readonly T[], most: number): T[] {
  const left = [...from];
  const chosen: T[] = [];
  while (left.length > 0 && chosen.length < most)
    chosen.push(...left.splice(Math.floor(choices.between(0, left.length)), 1));
  return chosen;
}
