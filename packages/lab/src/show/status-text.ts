import type { LabHealth } from '../status/lab-status.ts';
import { alignColumns } from './table.ts';

/** The status for people: two small tables, then what is wrong. */
export function statusText({ status, problems }: LabHealth): string[] {
  const known = (value: string | number | null) => (value === null ? '-' : String(value));
  return [
    ...alignColumns([
      ['NODE', 'IP', 'SUBNET'],
      ...status.nodes.map(({ name, ip, subnet }) => [name, known(ip), known(subnet)]),
    ]),
    '',
    ...alignColumns([
      ['POD', 'NODE', 'IP', 'VNID'],
      ...status.pods.map((pod) => [`${pod.namespace}/${pod.name}`, known(pod.node), known(pod.ip), known(pod.vnid)]),
    ]),
    '',
    ...(problems.length === 0 ? ['all processes run, all pods are ready'] : problems),
  ];
}
