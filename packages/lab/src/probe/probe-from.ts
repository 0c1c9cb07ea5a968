import type { Ip } from '@tenet/std';
import type { Lab } from '../state/lab-state.ts';
import { namespaceOf } from '../targets.ts';
import type { Outcome } from './outcome.ts';
import { probeTcp } from './probe-tcp.ts';
import { probeUdp } from './probe-udp.ts';

/** One request to whatever is behind an address and a port: a pod, or a service in any of its forms. */
export interface ProbeFrom {
  readonly protocol: 'TCP' | 'UDP';
  readonly to: Ip;
  readonly port: number;
  /** The port that it starts from; the kernel chooses one unless told. */
  readonly fromPort?: number;
  /** For HTTP: the host that it asks for; the address unless told. */
  readonly host?: string;
  readonly timeoutMs?: number;
}

/**
 * Asks from `node/NAME`, `pod/NAMESPACE/NAME` or `outside`. The answer tells which pod gave it and which client that pod
 * saw. UNKNOWN_TARGET for a place that is not there.
 */
export function probeFrom(lab: Lab, place: string, { protocol, host, ...target }: ProbeFrom): Promise<Outcome> {
  const probe = { namespace: namespaceOf(lab, place), ...target };
  return protocol === 'UDP' ? probeUdp(probe) : probeTcp({ ...probe, ...(host === undefined ? {} : { host }) });
}
