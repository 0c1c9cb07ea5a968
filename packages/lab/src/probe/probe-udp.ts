import { parseAnswer } from '../answer/answer.ts';
import { ANSWER_PORT } from '../answer/answerer.ts';
import { exchange, type ProbeTarget } from './exchange.ts';
import type { Outcome } from './outcome.ts';

export interface UdpProbe extends ProbeTarget {
  readonly port?: number;
  /** Bytes of payload, of the request and of the answer. */
  readonly size?: number;
  /** True: a request that does not fit is refused, and so is a way that turns out to be too narrow. */
  readonly dontFragment?: boolean;
}

/** Asks an answerer by one datagram, in fragments when it does not fit unless told otherwise. An answer of another length is garbled. */
export function probeUdp({ port = ANSWER_PORT.udp, size = 64, ...target }: UdpProbe): Promise<Outcome> {
  return exchange({
    ...target,
    protocol: 'udp',
    port,
    request: new Uint8Array(size).fill(0x2e),
    read(bytes, { ms }) {
      const text = new TextDecoder().decode(bytes);
      const answer = bytes.length < size ? undefined : parseAnswer(text);
      return answer === undefined ? { outcome: 'garbled', text } : { outcome: 'answered', answer, ms };
    },
  });
}
