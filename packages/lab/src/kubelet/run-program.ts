import type { PodObject } from '@tenet/model';
import { answerIn } from '../answer/answerer.ts';
import type { RouterState } from '../router/choose-endpoint.ts';
import { routeIn } from '../router/route-in.ts';
import { IMAGE } from './lab-annotation.ts';

/** Where a pod's program runs, and what it may know. */
export interface ProgramPlace {
  /** The path of the pod's network namespace. */
  readonly namespace: string;
  /** For routers: the cluster as it is now. */
  readonly routes: () => RouterState;
}

/** Runs what the images of a pod stand for: an answerer in each, and a router in those that ask for one. */
export async function runProgram(pod: PodObject, { namespace, routes }: ProgramPlace): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const [tcpPorts, udpPorts] = [portsOf(pod, 'TCP'), portsOf(pod, 'UDP')];
  stack.use(await answerIn({ name, namespace, tcpPorts, udpPorts }));
  if (pod.spec.containers.some(({ image }) => image === IMAGE.router))
    stack.use(await routeIn({ namespace, state: routes }));
  return stack.move();
}

function portsOf(pod: PodObject, protocol: 'TCP' | 'UDP'): number[] {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  return ports.filter((port) => (port.protocol ?? 'TCP') === protocol).map((port) => port.containerPort);
}
