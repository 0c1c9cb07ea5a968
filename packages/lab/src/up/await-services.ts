import { Ip } from '@tenet/std';
import type { Outcome } from '../probe/outcome.ts';
import { probeTcp } from '../probe/probe-tcp.ts';
import { PATIENCE } from '../process/patience.ts';
import { waitUntil } from '../process/wait-until.ts';
import type { Lab } from '../state/lab-state.ts';
import type { ServiceStatus } from '../status/lab-status.ts';

/** What is waited for, and until when. */
export interface ServicesWait {
  readonly services: readonly ServiceStatus[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

const PROBE_TIMEOUT_MS = 500 * PATIENCE;

/** Asks each service on each node, by real packets, until every one of them answers: NOT_READY names those that do not. */
export async function awaitServices(lab: Lab, { services, deadlineMs, signal }: ServicesWait): Promise<void> {
  const doors = lab.settings.cluster.nodes.flatMap((node) => services.flatMap((service) => doorOf(service, node.name)));
  await Promise.all(
    doors.map(async ({ to, port, service, node }) => {
      let last = 'nothing yet';
      await waitUntil({
        what: `the service ${service} does not answer on ${node}`,
        async look() {
          const seen = await probeTcp({ namespace: lab.paths.namespace(node), to, port, timeoutMs: PROBE_TIMEOUT_MS });
          last = seen.outcome;
          return isAnswer(seen);
        },
        state: () => last,
        deadlineMs,
        pollMs: 50,
        signal,
      });
    }),
  );
}

/** Its cluster IP with its first TCP port; nothing where there is no such thing. */
function doorOf({ namespace, name, clusterIp, ports }: ServiceStatus, node: string) {
  const port = ports.find(({ protocol }) => protocol === 'TCP')?.port;
  if (clusterIp === null || clusterIp === 'None' || port === undefined) return [];
  return [{ to: Ip.parse(clusterIp), port, service: `${namespace}/${name}`, node }];
}

/** A router has an answer of its own for a host that it does not know. */
function isAnswer({ outcome }: Outcome): boolean {
  return outcome === 'answered' || outcome === 'garbled';
}
