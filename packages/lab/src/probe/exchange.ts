import { setTimeout as pause } from 'node:timers/promises';
import { ProbeSocket, type ProbeSocketSpec } from '@tenet/host';
import { PATIENCE } from '../process/patience.ts';
import { type Outcome, outcomeOfError } from './outcome.ts';

/** Where a probe starts and ends, and how long it waits. */
export interface ProbeTarget {
  /** The path of the namespace that it starts from. */
  readonly namespace: string;
  readonly to: ProbeSocketSpec['to'];
  /** The port that it starts from; the kernel chooses one unless told. Not for ICMP. */
  readonly fromPort?: number;
  readonly timeoutMs?: number;
}

/** One request and what it waits for. */
export interface Exchange extends ProbeTarget, Pick<ProbeSocketSpec, 'protocol' | 'port' | 'dontFragment'> {
  readonly request: Uint8Array;
  /** The outcome once the bytes so far are all that was waited for; the end of a stream counts as `ended`. */
  readonly read: (bytes: Uint8Array, state: { readonly ended: boolean; readonly ms: number }) => Outcome | undefined;
}

/** Long for a machine under load; a reply takes well under a millisecond. */
const PROBE_TIMEOUT_MS = 1000;

/** How often it looks: first almost at once, then less often. */
const FIRST_LOOK_MS = 1;
const LONGEST_LOOK_MS = 10 * PATIENCE;

/** Sends a request and waits for its outcome. Any number may run at the same time: none of them blocks. */
export async function exchange(spec: Exchange): Promise<Outcome> {
  const { request, read, timeoutMs = PROBE_TIMEOUT_MS, ...where } = spec;
  const socket = ProbeSocket.open(where);
  if (!(socket instanceof ProbeSocket)) return outcomeOfError(socket.errno);
  using open = socket;
  const startMs = performance.now();
  let isSent = false;
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, LONGEST_LOOK_MS)) {
    if (!isSent) {
      const sent = open.send(request);
      if (sent.kind === 'error') return outcomeOfError(sent.errno);
      isSent = sent.kind === 'bytes';
    }
    // Not before it is sent: an error is told once, and sending is what tells that a connection was refused.
    while (isSent) {
      const came = open.receive();
      if (came.kind === 'nothing') break;
      if (came.kind === 'error') return outcomeOfError(came.errno);
      const ended = where.protocol === 'tcp' && came.bytes.length === 0;
      const outcome = read(came.bytes, { ended, ms: performance.now() - startMs });
      if (outcome !== undefined) return outcome;
      if (ended) return { outcome: 'garbled', text: '' };
    }
    if (performance.now() - startMs > timeoutMs) return { outcome: 'timeout' };
    await pause(lookMs);
  }
}
