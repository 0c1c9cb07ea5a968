/**
 * JSON-RPC 1.0 over a unix socket as ovsdb-server (RFC 7047 §4) and unixctl speak it: requests with deadlines,
 * notifications, and an echo that finds out whether a quiet peer is still there.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { isTenetError, type Logger, SILENT, type TenetError } from '@tenet/std';
import { ovsdbError } from './errors.ts';
import { isRecord, shortJson } from './json.ts';
import { JsonSplitter } from './json-splitter.ts';
import { type RequestOptions, within } from './within.ts';

/** Settings of `connectJsonRpc`. */
export interface JsonRpcOptions {
  /** The unix socket. */
  readonly path: string;
  /** Gives up connecting; once connected, closes the session. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /**
   * Send an echo after so long without a byte from the peer, and close with PEER_SILENT when as long passes again:
   * 5 s unless told, as ovsdb-server does it. Infinity for a peer that knows no echo.
   */
  readonly idleMs?: number | undefined;
  /** Called for each notification, in order. What it throws closes the session. */
  readonly onNotification?: (method: string, params: readonly unknown[]) => void;
}

/** Connects; rejects with SOCKET_UNREACHABLE, or the signal's reason. */
export async function connectJsonRpc(options: JsonRpcOptions): Promise<JsonRpcSession> {
  const { path, signal } = options;
  signal?.throwIfAborted();
  const socket = connect({ path });
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal });
    signal?.throwIfAborted();
  } catch (cause) {
    socket.destroy();
    signal?.throwIfAborted();
    throw ovsdbError('SOCKET_UNREACHABLE', { path }, cause);
  }
  return new JsonRpcSession(socket, options);
}

/** One connection. It ends once, for one reason, which every waiting and later request is told. */
export class JsonRpcSession implements AsyncDisposable {
  /** Resolves with the reason when the session has ended; never rejects. */
  readonly closed: Promise<TenetError>;
  readonly #path: string;
  readonly #socket: Socket;
  readonly #log: Logger;
  readonly #onNotification: (method: string, params: readonly unknown[]) => void;
  readonly #splitter = new JsonSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed = Promise.withResolvers<TenetError>();
  readonly #idleMs: number;
  readonly #idleTimer: NodeJS.Timeout | undefined;
  readonly #detach: () => void;
  #isProbing = false;
  #lastId = 0;
  #reason: TenetError | undefined;

  constructor(socket: Socket, { path, signal, log = SILENT, idleMs = 5_000, onNotification }: JsonRpcOptions) {
    this.#path = path;
    this.#socket = socket;
    this.#log = log;
    this.#idleMs = idleMs;
    this.#onNotification = onNotification ?? (() => undefined);
    this.closed = this.#closed.promise;
    const abort = () => this.close();
    signal?.addEventListener('abort', abort);
    this.#detach = () => signal?.removeEventListener('abort', abort);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.#end(this.#closedBy('peer', cause)));
    socket.on('close', () => this.#end(this.#closedBy('peer')));
    if (Number.isFinite(idleMs)) this.#idleTimer = setInterval(() => this.#probe(), idleMs);
  }

  /**
   * Asks and waits for the result. Rejects with REQUEST_REFUSED, REQUEST_TIMED_OUT, the signal's reason or the reason
   * for which the session ended. A request that timed out may still have its effect.
   */
  async request(method: string, params: readonly unknown[], options: RequestOptions = {}): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (this.#reason !== undefined) throw this.#reason;
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { method, resolve, reject });
    this.#send({ method, params, id });
    try {
      return await within(promise, options, (deadlineMs) =>
        ovsdbError('REQUEST_TIMED_OUT', { path: this.#path, method, deadlineMs }),
      );
    } finally {
      // RFC 7047 §4.1.4: a transaction that nobody waits for need not go on waiting in the server.
      if (this.#waiting.delete(id) && method === 'transact') this.#send({ method: 'cancel', params: [id], id: null });
    }
  }

  /** Ends the session for our own reason, by default that we want no more of it. */
  close(reason: TenetError = this.#closedBy('us')): void {
    this.#end(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #receive(chunk: Uint8Array): void {
    this.#isProbing = false;
    this.#idleTimer?.refresh();
    try {
      for (const message of this.#splitter.push(chunk)) {
        if (this.#reason !== undefined) return;
        this.#dispatch(message);
      }
    } catch (error) {
      this.#end(isTenetError(error) ? error : this.#malformed('its listener failed', 'a notification', error));
    }
  }

  #dispatch(message: unknown): void {
    if (!isRecord(message)) throw this.#malformed('it is no JSON-RPC message', message);
    const { method, params, id } = message;
    if (method === undefined) this.#settle(message);
    else if (typeof method !== 'string' || !Array.isArray(params))
      throw this.#malformed('it is neither request nor answer', message);
    else if (id === null || id === undefined) this.#onNotification(method, params);
    else if (method === 'echo') this.#send({ result: params, error: null, id });
    else this.#send({ result: null, error: 'unknown method', id });
  }

  #settle(message: Record<string, unknown>): void {
    // ovsdb-server leaves `result` out of an error, and sends both otherwise.
    const { id, result, error = null } = message;
    if (id === undefined || (result === undefined && error === null))
      throw this.#malformed('it is neither request nor answer', message);
    if (id === ECHO_ID) return;
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (typeof id === 'number') this.#waiting.delete(id);
    if (waiting === undefined) {
      this.#log.debug('answer without a request', { path: this.#path, xid: id });
    } else if (error === null) {
      waiting.resolve(result);
    } else {
      waiting.reject(
        ovsdbError('REQUEST_REFUSED', { path: this.#path, method: waiting.method, ...nameAndDetails(error) }),
      );
    }
  }

  /** Runs each idle interval in which nothing came. */
  #probe(): void {
    if (this.#isProbing) {
      this.#end(ovsdbError('PEER_SILENT', { path: this.#path, silentMs: 2 * this.#idleMs }));
    } else {
      this.#isProbing = true;
      this.#send({ method: 'echo', params: [], id: ECHO_ID });
    }
  }

  #send(message: object): void {
    if (this.#reason === undefined) this.#socket.write(JSON.stringify(message));
  }

  #end(reason: TenetError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearInterval(this.#idleTimer);
    this.#detach();
    this.#socket.destroy();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    this.#closed.resolve(reason);
  }

  #closedBy(by: 'us' | 'peer', cause?: unknown): TenetError {
    const facts = { path: this.#path, by, halfMessageBytes: this.#splitter.pendingBytes };
    return ovsdbError('SESSION_CLOSED', facts, cause);
  }

  #malformed(why: string, message: unknown, cause?: unknown): TenetError {
    return ovsdbError('RPC_MALFORMED', { path: this.#path, why, message: shortJson(message) }, cause);
  }
}

interface Waiting {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Requests have numbers, so this is nobody else's. */
const ECHO_ID = 'echo';

/** An OVSDB error is an object of `error` and `details` (RFC 7047 §3.1), a unixctl error is a string. */
function nameAndDetails(error: unknown): { error: string; details: string } {
  if (typeof error === 'string') return { error, details: '' };
  if (!isRecord(error) || typeof error.error !== 'string') return { error: shortJson(error), details: '' };
  return { error: error.error, details: typeof error.details === 'string' ? error.details : '' };
}
