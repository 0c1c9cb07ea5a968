import { parseAnswer } from '../answer/answer.ts';
import { ANSWER_PORT } from '../answer/answerer.ts';
import { exchange, type ProbeTarget } from './exchange.ts';
import type { Outcome } from './outcome.ts';

export interface TcpProbe extends ProbeTarget {
  readonly port?: number;
  /** The host that it asks for; the address unless told. */
  readonly host?: string;
}

/** Asks an answerer by HTTP. */
export function probeTcp({ port = ANSWER_PORT.tcp, host, ...target }: TcpProbe): Promise<Outcome> {
  const request = `GET / HTTP/1.1\r\nHost: ${host ?? target.to}\r\nConnection: close\r\n\r\n`;
  let text = '';
  return exchange({
    ...target,
    protocol: 'tcp',
    port,
    request: new TextEncoder().encode(request),
    read(bytes, { ended, ms }) {
      text += new TextDecoder().decode(bytes);
      // The server ends the stream after its answer: then it is whole.
      if (!ended) return undefined;
      const answer = parseAnswer(text.split('\r\n\r\n', 2)[1] ?? '');
      return answer === undefined ? { outcome: 'garbled', text } : { outcome: 'answered', answer, ms };
    },
  });
}
