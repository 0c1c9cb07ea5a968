import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { bindUdp, listenTcp } from '@tenet/host';
import { Ip } from '@tenet/std';
import { formatAnswer } from './answer.ts';

/** Every answerer is asked on these. */
export const ANSWER_PORT = { tcp: 8080, udp: 8081 } as const;

/** Who answers, where, on what beside the usual ports. */
export interface AnswererSpec {
  /** What it calls itself in its answers. */
  readonly name: string;
  readonly namespace: string;
  readonly tcpPorts?: readonly number[];
  readonly udpPorts?: readonly number[];
}

const ANY = Ip.parse('0.0.0.0');

/**
 * Answers HTTP and UDP in a namespace, from this process: a socket belongs for good to the namespace that it was made
 * in. All sockets are there when this returns.
 */
export async function answerIn({
  name,
  namespace,
  tcpPorts = [],
  udpPorts = [],
}: AnswererSpec): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const port of new Set([ANSWER_PORT.tcp, ...tcpPorts])) stack.use(await answerHttp({ name, namespace, port }));
  for (const port of new Set([ANSWER_PORT.udp, ...udpPorts])) stack.use(await answerUdp({ name, namespace, port }));
  return stack.move();
}

interface Where {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

async function answerHttp({ name, namespace, port }: Where): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const client = request.socket.remoteAddress ?? '';
    response.setHeader('content-type', 'application/json').end(formatAnswer({ pod: name, client, port }));
  });
  server.listen({ fd: listenTcp({ namespace, address: ANY, port }) });
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answerUdp({ name, namespace, port }: Where): Promise<AsyncDisposable> {
  const socket = createSocket('udp4');
  socket.on('message', (request, { address, port: clientPort }) => {
    const answer = formatAnswer({ pod: name, client: address, port }, request.length);
    // A client that is gone or unreachable is no failure of the answerer.
    socket.send(answer, clientPort, address, () => {});
  });
  // It says so while bind runs: who waits only then waits for ever.
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdp({ namespace, address: ANY, port }) });
  await listening;
  socket.on('error', () => {});
  return {
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
