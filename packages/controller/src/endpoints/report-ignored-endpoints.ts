import { type KubeClient, watchKind } from '@tenet/kube';
import { ENDPOINT_SLICE_CONTROLLER, type KubeObject, LABEL } from '@tenet/model';
import type { Clock, Logger, Prefix } from '@tenet/std';
import { RefusalReport } from '../refusal-report.ts';
import { Wake } from '../wake.ts';
import { endpointRefusals, faultsOf, sameFaults } from './ignored-endpoints.ts';

export interface ReportIgnoredEndpointsOptions {
  readonly client: KubeClient;
  readonly serviceNetwork: Prefix;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** Kubernetes' own controller takes endpoints from pods only: its slices are by far the most, and need no look. */
const HAND_MADE = `${LABEL.managedBy}!=${ENDPOINT_SLICE_CONTROLLER}`;
const OURS = `!${LABEL.serviceProxyName},!${LABEL.headless}`;

/** An Event that the API server did not take is sent again after this time. */
const TELL_AGAIN_MS = 30_000;

/**
 * Tells the owners of Services, by one Event each, of hand-made endpoints to which nothing is sent, until the signal
 * aborts. It goes beside all else: whoever makes thousands of them keeps nobody from getting a subnet.
 */
export async function reportIgnoredEndpoints(options: ReportIgnoredEndpointsOptions): Promise<void> {
  const { client, serviceNetwork, log, clock, signal, ...watching } = options;
  const wake = new Wake();
  const slices = watchKind(client, 'EndpointSlice', {
    ...watching,
    log,
    clock,
    signal,
    labelSelector: `${HAND_MADE},${OURS}`,
    project: (object) => faultsOf(object, serviceNetwork),
    same: sameFaults,
  });
  const services = watchKind(client, 'Service', {
    ...watching,
    log,
    clock,
    signal,
    labelSelector: OURS,
    project: uidOf,
    same: (a, b) => a === b,
  });
  using _slices = slices.onChange(() => wake.ring());
  using _services = services.onChange(() => wake.ring());
  const report = new RefusalReport({ client, log, clock });
  try {
    await Promise.all([slices.synced, services.synced]);
    for (;;) {
      await report.tell(endpointRefusals(slices.entries.values(), (service) => services.get(service)));
      await wake.wait(TELL_AGAIN_MS, { clock, signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await Promise.all([slices.ended, services.ended]);
  }
}

function uidOf({ metadata }: KubeObject): string {
  return metadata.uid ?? '';
}
