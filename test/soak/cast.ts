/** Who lives in the lab during churn: the projects, which of them may ever meet, and their pods. */
import type { Ip, Mac } from '@tenet/std';

/** Projects of one circle may be joined to each other at some moment; projects of two circles never are. */
export interface Project {
  readonly name: string;
  readonly circle: string;
}

/** These stay by themselves from beginning to end: what passes between two of them is a leak at any moment. */
export const SETTLED: readonly Project[] = ['alpha', 'beta', 'gamma'].map((name) => ({ name, circle: name }));

/** These are joined to each other and isolated again all the time, but never to anybody else. */
export const WANDERERS: readonly Project[] = ['drift-a', 'drift-b', 'drift-c'].map((name) => ({
  name,
  circle: 'drifters',
}));

/** The projects that pods come to and go from. */
export const PROJECTS: readonly Project[] = [...SETTLED, ...WANDERERS];

/** A pod that has an address. */
export interface CastPod {
  readonly uid: string;
  /** `alpha/web`. */
  readonly name: string;
  readonly circle: string;
  readonly node: string;
  readonly ip: Ip;
  readonly mac: Mac;
  /** The path of its network namespace. */
  readonly netns: string;
}

/** True when packets of one may reach the other, now or after some change of projects. */
export function mayMeet(one: Pick<CastPod, 'circle'>, other: Pick<CastPod, 'circle'>): boolean {
  return one.circle === other.circle;
}

/** Pods that this one never reaches. */
export function strangersOf(pod: CastPod, pods: readonly CastPod[]): CastPod[] {
  return pods.filter((other) => !mayMeet(pod, other));
}

/** Pods of the very same project: whatever projects do, these two reach each other. */
export function friendsOf(pod: CastPod, pods: readonly CastPod[]): CastPod[] {
  return pods.filter((other) => other.uid !== pod.uid && projectOf(other.name) === projectOf(pod.name));
}

/** The circle of a pod, by its name; undefined for one that is not of the cast. */
export function circleOf(podName: string): string | undefined {
  return PROJECTS.find(({ name }) => name === projectOf(podName))?.circle;
}

export function projectOf(podName: string): string {
  return podName.split('/')[0] ?? '';
}
