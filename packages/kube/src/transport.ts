import http from 'node:http';
import https from 'node:https';
import { isTenetError, sentenceOf } from '@tenet/std';
import type { Access, Credentials } from './credentials.ts';
import { beforeAbort, type Deadline, startDeadline } from './deadline.ts';
import { type Asked, kubeError } from './errors.ts';
import { refusal } from './refusal.ts';

/** One request to the API server. */
interface ApiRequest {
  /** The Kubernetes verb, for errors. */
  readonly verb: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Requests over kept-alive connections; each with a deadline that covers its credentials too, each failure typed. */
export interface Transport {
  /** The parsed answer. A status other than 2xx is thrown as its error. */
  json(request: ApiRequest): Promise<unknown>;
  /** The bytes of an answer that goes on; the deadline covers the time until its headers. */
  stream(request: ApiRequest): AsyncGenerator<Uint8Array, void, void>;
}

/** Settings of `openTransport`. */
export interface TransportOptions {
  readonly credentials: Credentials;
  readonly deadlineMs: number;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** Speaks HTTP(S) to the server of these credentials until the signal aborts. */
export function openTransport({ credentials, deadlineMs, userAgent, signal: life }: TransportOptions): Transport {
  const server = credentials.server.origin;

  function asked(request: ApiRequest): Asked {
    return { verb: request.verb, path: pathOf(credentials.server, request) };
  }

  /** Credentials may come from a program, which may never end. */
  async function access(request: ApiRequest, deadline: Deadline): Promise<Access> {
    try {
      return await beforeAbort(credentials.access(), deadline.signal);
    } catch (cause) {
      if (!deadline.isExpired) throw cause;
      const { source } = credentials;
      throw kubeError('KUBE_CREDENTIALS_LATE', { ...asked(request), source, deadlineMs }, cause);
    }
  }

  /** The response once its headers are there, whatever its status. */
  async function send(request: ApiRequest, deadline: Deadline): Promise<http.IncomingMessage> {
    const { agent, headers, auth } = await access(request, deadline);
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const options: http.RequestOptions = {
      method: request.method,
      agent,
      signal: deadline.signal,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body && { 'content-type': request.contentType ?? 'application/json', 'content-length': body.byteLength }),
      },
      ...(auth === undefined ? {} : { auth }),
    };
    const url = new URL(pathOf(credentials.server, request), server);
    const open = url.protocol === 'https:' ? https.request : http.request;
    return await new Promise((resolve, reject) => {
      const outgoing = open(url, options, resolve);
      outgoing.on('error', (cause: NodeJS.ErrnoException) => {
        // The server closed an idle connection while this request was on its way. What may have had an effect that a
        // second try would not repeat (a create) is left to the caller.
        const isStale = outgoing.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
        if (isStale && request.method !== 'POST' && !deadline.signal.aborted) {
          send(request, deadline).then(resolve, reject);
        } else reject(cause);
      });
      outgoing.end(body);
    });
  }

  /** As `send`; once more with fresh credentials when the server does not take the present ones. */
  async function answer(request: ApiRequest, deadline: Deadline): Promise<http.IncomingMessage> {
    const first = await send(request, deadline);
    if (first.statusCode !== 401) return first;
    first.resume();
    credentials.forget();
    return await send(request, deadline);
  }

  async function checked(request: ApiRequest, response: http.IncomingMessage): Promise<http.IncomingMessage> {
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw refusal(asked(request), {
      status,
      text: await textOf(response),
      retryAfter: response.headers['retry-after'],
    });
  }

  function failure(request: ApiRequest, cause: unknown, deadline: Deadline): unknown {
    if (isTenetError(cause)) return cause;
    if (deadline.isExpired) return kubeError('KUBE_DEADLINE', { ...asked(request), server, deadlineMs }, cause);
    if (deadline.signal.aborted) return deadline.signal.reason;
    return kubeError('KUBE_UNREACHABLE', { ...asked(request), server, problem: sentenceOf(cause) }, cause);
  }

  return {
    async json(request) {
      using deadline = startDeadline(deadlineMs, life, request.signal);
      try {
        const response = await checked(request, await answer(request, deadline));
        return parse(asked(request), await textOf(response));
      } catch (cause) {
        throw failure(request, cause, deadline);
      }
    },
    async *stream(request) {
      using deadline = startDeadline(deadlineMs, life, request.signal);
      try {
        const response = await checked(request, await answer(request, deadline));
        deadline.stop();
        for await (const chunk of response) yield chunk;
      } catch (cause) {
        throw failure(request, cause, deadline);
      }
    },
  };
}

/** A kubeconfig's server may have a path of its own, in front of the API's. */
function pathOf(server: URL, { path, query = {} }: ApiRequest): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, value);
  const text = search.toString();
  return `${server.pathname.replace(/\/$/, '')}${path}${text === '' ? '' : `?${text}`}`;
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(asked: Asked, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw kubeError('KUBE_MALFORMED', { ...asked, problem: `it is not JSON: ${text.slice(0, 80)}` }, cause);
  }
}
