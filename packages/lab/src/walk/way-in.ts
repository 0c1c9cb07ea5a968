import { Ip } from '@tenet/std';
import type { Outcome } from '../probe/outcome.ts';
import { probeFrom } from '../probe/probe-from.ts';
import { PATIENCE } from '../process/patience.ts';
import type { Lab } from '../state/lab-state.ts';
import type { LabStatus } from '../status/lab-status.ts';

/** A request from outside to what a service publishes. */
export interface WayIn {
  /** As its user writes it: `10.122.70.72:30080`, with the host that it asks for. */
  readonly to: string;
  /** Whose door that is. */
  readonly by: string;
  readonly outcome: Outcome;
  /** A pod of the service has answered, and behind a router it has seen the router. */
  readonly isAsExpected: boolean;
}

/** How the lab is reached from outside: a service with a node port, and one behind a router. */
export interface Doors {
  /** `namespace/name` of the service that is asked for in both ways. */
  readonly service: string;
  readonly node: string;
  /** `namespace/name` of the router's service and of its pod. */
  readonly router: string;
  readonly host: string;
}

const TIMEOUT_MS = 4000 * PATIENCE;

/** Asks from outside by the node port of a service, then by the router that is published by an external IP. */
export async function waysIn(lab: Lab, status: LabStatus, { service, node, router, host }: Doors): Promise<WayIn[]> {
  const nodeIp = status.nodes.find(({ name }) => name === node)?.ip;
  const nodePort = find(status, service)?.ports.find(({ protocol }) => protocol === 'TCP')?.nodePort;
  const published = find(status, router);
  const routerIp = status.pods.find((pod) => `${pod.namespace}/${pod.name}` === router)?.ip;
  const [externalIp, port] = [published?.externalIps[0], published?.ports[0]?.port];
  if (!nodeIp || !nodePort || !externalIp || !port || !routerIp) throw new RangeError(`${service} is not published`);
  const ask = (to: string, port: number, host?: string) =>
    probeFrom(lab, 'outside', {
      protocol: 'TCP',
      to: Ip.parse(to),
      port,
      timeoutMs: TIMEOUT_MS,
      ...(host === undefined ? {} : { host }),
    });
  const [direct, routed] = await Promise.all([ask(nodeIp, nodePort), ask(externalIp, port, host)]);
  // A pod of the service is called after it, as `web-2` after `web`.
  const isOfService = ({ pod }: { readonly pod: string }) => pod === service || pod.startsWith(`${service}-`);
  return [
    {
      to: `${nodeIp}:${nodePort}`,
      by: `node port of ${service}`,
      outcome: direct,
      isAsExpected: direct.outcome === 'answered' && isOfService(direct.answer),
    },
    {
      to: `${externalIp}:${port} for ${host}`,
      by: `external IP of ${router}`,
      outcome: routed,
      isAsExpected: routed.outcome === 'answered' && isOfService(routed.answer) && routed.answer.client === routerIp,
    },
  ];
}

function find({ services }: LabStatus, wanted: string): LabStatus['services'][number] | undefined {
  return services.find(({ namespace, name }) => `${namespace}/${name}` === wanted);
}
