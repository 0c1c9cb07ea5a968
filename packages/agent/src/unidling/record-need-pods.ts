import { type KubeClient, recordEvent } from '@tenet/kube';
import type { Service } from '@tenet/model';
import type { ProxiedPort } from '@tenet/proxy';
import type { Clock } from '@tenet/std';

/**
 * Records the Event by which OpenShift's unidling controller wakes a service. What it looks for is the reason on the
 * Service, and a `lastTimestamp` that is not before the service was put to sleep; the message names the port, so that
 * each port has an Event of its own.
 */
export function recordNeedPods(
  client: KubeClient,
  { service, port, clock }: { readonly service: Service; readonly port: ProxiedPort; readonly clock: Clock },
): Promise<void> {
  const { namespace, name, uid } = service;
  return recordEvent(client, {
    object: { kind: 'Service', namespace, name, uid },
    type: 'Normal',
    reason: 'NeedPods',
    message: `The service-port ${name}:${port.portName || port.port} needs pods.`,
    component: 'kube-proxy',
    clock,
  });
}
