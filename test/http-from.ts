import { once } from 'node:events';
import { request } from 'node:http';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { openTcp } from '@tenet/host';
import type { Ip } from '@tenet/std';
import { PATIENCE } from './eventually.ts';

export interface HttpTarget {
  readonly ip: Ip;
  readonly port: number;
  /** Who is asked for there; the address unless told. */
  readonly host?: string;
  readonly path?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Its media type; "" when it names none. */
  readonly type: string;
  readonly body: string;
}

const DEADLINE_MS = 10_000 * PATIENCE;

/** Asks by HTTP from a network namespace, without a process of its own; rejects without an answer. */
export async function httpFrom(
  netns: string,
  { ip, port, host = String(ip), path = '/' }: HttpTarget,
): Promise<HttpAnswer> {
  const socket = new Socket({ fd: openTcp(netns) });
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    await once(socket.connect(port, String(ip)), 'connect', { signal });
    const asked = request({ createConnection: () => socket, path, headers: { host }, signal });
    const answered = once(asked, 'response', { signal });
    asked.end();
    const [response] = await answered;
    return {
      status: response.statusCode,
      type: response.headers['content-type'] ?? '',
      body: await text(response),
    };
  } finally {
    socket.destroy();
  }
}
