/** Datagrams between two sockets of a test's own, with whatever translates in between. */
import assert from 'node:assert/strict';
import { ProbeSocket, type ProbeSocketSpec } from '@tenet/host';
import type { Ip } from '@tenet/std';
import { eventually } from '../eventually.ts';

export interface ConversationSpec {
  readonly client: { readonly netns: string; readonly ip: Ip; readonly port: number };
  /** Where the client sends to. */
  readonly to: { readonly ip: Ip; readonly port: number };
  /** Where that arrives, and leaves again. */
  readonly server: { readonly netns: string; readonly port: number };
  /** The client as the server sees it; the client's own address unless told. */
  readonly seenAs?: Ip;
}

/** Each end is connected to what it sees of the other: anything from elsewhere is no answer. */
export interface Conversation extends Disposable {
  /** The client's words arrive at the server. */
  ask(words: string): Promise<void>;
  /** The server's arrive at the client. */
  answer(words: string): Promise<void>;
  readonly client: ProbeSocket;
  readonly server: ProbeSocket;
}

export function openConversation({ client, to, server, seenAs = client.ip }: ConversationSpec): Conversation {
  using stack = new DisposableStack();
  const serverSocket = stack.use(
    opened({ namespace: server.netns, fromPort: server.port, to: seenAs, port: client.port }),
  );
  const clientSocket = stack.use(opened({ namespace: client.netns, fromPort: client.port, to: to.ip, port: to.port }));
  const ends = stack.move();
  return {
    client: clientSocket,
    server: serverSocket,
    ask: (words) => carried(clientSocket, serverSocket, words),
    answer: (words) => carried(serverSocket, clientSocket, words),
    [Symbol.dispose]: () => ends.dispose(),
  };
}

/** The error that a socket is told, by ICMP. */
export function errorOf(socket: ProbeSocket, what: string): Promise<string> {
  return eventually(
    () => {
      const came = socket.receive();
      return came.kind === 'error' ? came.errno : undefined;
    },
    { what },
  );
}

function opened(spec: Omit<ProbeSocketSpec, 'protocol'>): ProbeSocket {
  const socket = ProbeSocket.open({ protocol: 'udp', ...spec });
  if (!(socket instanceof ProbeSocket)) return assert.fail(`no socket to ${spec.to}: ${socket.errno}`);
  return socket;
}

async function carried(from: ProbeSocket, to: ProbeSocket, words: string): Promise<void> {
  assert.equal(from.send(Buffer.from(words)).kind, 'bytes');
  const heard = await eventually(
    () => {
      const came = to.receive();
      return came.kind === 'nothing' ? undefined : came;
    },
    { what: `"${words}" arrives` },
  );
  assert.ok(heard.kind === 'bytes', JSON.stringify(heard));
  assert.equal(Buffer.from(heard.bytes).toString(), words);
}
