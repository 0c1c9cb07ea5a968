import type { LabHealth, ServiceStatus } from '../status/lab-status.ts';
import { alignColumns } from './table.ts';

/** The status for people: three small tables, then what is wrong. */
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
    ...alignColumns([['SERVICE', 'CLUSTER IP', 'EXTERNAL IP', 'PORTS', 'READY'], ...status.services.map(serviceRow)]),
    '',
    ...(problems.length === 0 ? ['all processes run, all pods are ready'] : problems),
  ];
}

function serviceRow({ namespace, name, clusterIp, externalIps, ports, ready, endpoints }: ServiceStatus): string[] {
  const portTexts = ports.map(
    ({ port, protocol, nodePort }) => `${port}${nodePort === null ? '' : `:${nodePort}`}/${protocol.toLowerCase()}`,
  );
  const cells = [clusterIp ?? '', externalIps.join(','), portTexts.join(',')];
  return [`${namespace}/${name}`, ...cells.map((cell) => cell || '-'), `${ready}/${endpoints}`];
}
