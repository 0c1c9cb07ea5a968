import type { Vnid } from '@tenet/model';
import type { Prefix } from '@tenet/std';
import { isPodAddress } from '../ipam/addresses.ts';
import type { WiredPod } from '../wired-pods.ts';

/** A pod that the switch knows and that has no flows, or should not be here. */
export interface PodProblem {
  readonly pod: string;
  readonly ip: string;
  readonly problem: string;
  readonly remedy: string;
}

export interface PodSurroundings {
  readonly subnet: Prefix;
  readonly vnidOf: (namespace: string) => Vnid | undefined;
  /** What Open vSwitch says is wrong with an interface. */
  readonly errorOf: (hostVeth: string) => string | undefined;
}

/** The pods that are not carried as they should be, each with the first thing that is wrong with it. */
export function podProblems(pods: readonly WiredPod[], surroundings: PodSurroundings): PodProblem[] {
  const claims = new Map<string, number>();
  for (const { ip } of pods) claims.set(ip.toString(), (claims.get(ip.toString()) ?? 0) + 1);
  return pods.flatMap((wired) => {
    const found = problemOf(wired, (claims.get(wired.ip.toString()) ?? 0) > 1, surroundings);
    if (found === undefined) return [];
    return [{ pod: `${wired.pod.namespace}/${wired.pod.name}`, ip: wired.ip.toString(), ...found }];
  });
}

function problemOf(
  { pod, ip, hostVeth, ofPort }: WiredPod,
  isClaimedTwice: boolean,
  { subnet, vnidOf, errorOf }: PodSurroundings,
): Pick<PodProblem, 'problem' | 'remedy'> | undefined {
  const error = errorOf(hostVeth);
  if (error !== undefined)
    return {
      problem: `Open vSwitch cannot use ${hostVeth}: ${error}`,
      remedy: 'delete the pod, so that it is wired anew',
    };
  if (ofPort === undefined)
    return { problem: `${hostVeth} has no OpenFlow port`, remedy: 'check that ovs-vswitchd is running' };
  if (vnidOf(pod.namespace) === undefined) {
    return {
      problem: `project ${pod.namespace} has no VNID`,
      remedy: `check that the controller runs and that NetNamespace ${pod.namespace} exists`,
    };
  }
  if (isClaimedTwice)
    return { problem: `another pod claims ${ip} too`, remedy: 'delete both pods: neither gets flows' };
  if (!isPodAddress(subnet, ip)) return { problem: `${ip} is outside of ${subnet}`, remedy: 'delete the pod' };
  return undefined;
}
