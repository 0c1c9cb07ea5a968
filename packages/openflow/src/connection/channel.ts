/** Messages over a stream: frames in, frames out, xids, echoes, and one end for everyone who waits. */
import type { Duplex } from 'node:stream';
import { ByteWriter, isTenetError, type Logger, sentenceOf, type TenetError } from '@tenet/std';
import { codecError } from '../codec/errors.ts';
import { FrameReader } from '../codec/frame.ts';
import type { Envelope, Message } from '../codec/message.ts';
import { decodeMessage, encodeMessage } from '../codec/message-codec.ts';
import type { Version } from '../codec/protocol.ts';
import { connectionError } from './errors.ts';
import { ReplyTable, type Watch } from './reply-table.ts';
import { SilenceWatch } from './silence-watch.ts';

export interface ChannelOptions {
  readonly stream: Duplex;
  /** How the peer is called in errors and the log. */
  readonly peer: string;
  readonly log: Logger;
  /** Silence after which the peer is asked for an echo, whatever else is due. */
  readonly echoIdleMs: number;
  /** Silence after that until the channel ends. */
  readonly echoDeadlineMs: number;
  /** How long any one answer may take unless the request says otherwise. */
  readonly deadlineMs: number;
}

export interface RequestOptions<T> {
  /** What is asked for, in errors. */
  readonly what: string;
  readonly deadlineMs?: number;
  /** Takes one message that is no error: the answer, or undefined to wait for more. */
  take(message: Message): T | undefined;
}

/** Answers whether the message was for it. */
type UnsolicitedListener = (header: Pick<Envelope, 'version' | 'xid'>, message: Message) => boolean;

const MAX_XID = 0xffff_ffff;

/** Bytes that may wait in the stream before a writer of many messages pauses, and before a peer that asks is kept waiting. */
const BACKLOG_BYTES = 1 << 20;

/** A chunk of at least so many bytes is work enough for one turn of the event loop. */
const TURN_BYTES = 32 * 1024;

export class Channel {
  readonly peer: string;
  readonly deadlineMs: number;
  /** Why the channel ended: an error, or undefined when we closed it. */
  readonly closed: Promise<TenetError | undefined>;
  /** Set by the handshake. */
  version: Version;

  readonly #stream: Duplex;
  readonly #log: Logger;
  readonly #frames = new FrameReader({ fromStart: true });
  readonly #replies = new ReplyTable();
  readonly #writer = new ByteWriter(4096);
  readonly #silence: SilenceWatch;
  readonly #settleClosed: (reason: TenetError | undefined) => void;
  #unsolicited: UnsolicitedListener | undefined;
  #nextXid = 1;
  #end: TenetError | undefined;
  #isEchoChoked = false;

  constructor(options: ChannelOptions, version: Version) {
    const { stream, peer, log, echoIdleMs, echoDeadlineMs, deadlineMs } = options;
    this.#stream = stream;
    this.peer = peer;
    this.version = version;
    this.deadlineMs = deadlineMs;
    this.#log = log;
    const silent = { peer, what: 'echo request', deadlineMs: echoDeadlineMs };
    this.#silence = new SilenceWatch({
      idleMs: echoIdleMs,
      deadlineMs: echoDeadlineMs,
      ask: () => this.send({ kind: 'echo_request', data: new Uint8Array(0) }),
      giveUp: () => this.close(connectionError('OPENFLOW_SILENT', silent)),
    });
    const { promise, resolve } = Promise.withResolvers<TenetError | undefined>();
    this.closed = promise;
    this.#settleClosed = resolve;
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.on('error', (cause) => this.close(connectionError('OPENFLOW_CLOSED', { peer }, cause)));
    stream.on('close', () => this.close(connectionError('OPENFLOW_CLOSED', { peer })));
    stream.on('end', () => this.close(connectionError('OPENFLOW_CLOSED', { peer })));
  }

  /** Who is told of messages that nobody waits for; what it does not take is logged. TypeError for a second one. */
  onUnsolicited(listener: UnsolicitedListener | undefined): void {
    if (listener !== undefined && this.#unsolicited !== undefined) throw new TypeError('somebody listens already');
    this.#unsolicited = listener;
  }

  /** Ends the channel once: every wait fails with the reason, or with OPENFLOW_CLOSED when we end it ourselves. */
  close(reason?: TenetError): void {
    if (this.#end !== undefined) return;
    this.#end = reason ?? connectionError('OPENFLOW_CLOSED', { peer: this.peer });
    this.#silence[Symbol.dispose]();
    this.#stream.destroy();
    this.#replies.failAll(this.#end);
    this.#settleClosed(reason);
  }

  /** Throws the reason when the channel has ended. */
  throwIfClosed(): void {
    if (this.#end !== undefined) throw this.#end;
  }

  /** `count` xids in a row; the first is answered. */
  takeXids(count = 1): number {
    if (this.#nextXid + count > MAX_XID) this.#nextXid = 1;
    const first = this.#nextXid;
    this.#nextXid += count;
    return first;
  }

  /** Sends one message without waiting for anything. */
  send(message: Message, xid: number = this.takeXids()): void {
    this.throwIfClosed();
    this.#writer.clear();
    encodeMessage(this.#writer, { version: this.version, xid, message });
    this.#stream.write(this.#writer.toBytes());
  }

  /** Writes encoded messages, and waits while the peer is slower than we are. */
  async write(bytes: Uint8Array): Promise<void> {
    this.throwIfClosed();
    this.#stream.write(bytes);
    if (this.#stream.writableLength < BACKLOG_BYTES) return;
    await this.#drained();
    // Who reads what we send lives, though it answers none of it yet.
    this.#silence.heard();
    this.throwIfClosed();
  }

  #drained(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { peer, deadlineMs } = this;
    const silent = () => connectionError('OPENFLOW_SILENT', { peer, what: 'messages sent', deadlineMs });
    const timer = setTimeout(() => reject(silent()), deadlineMs);
    this.#stream.once('drain', resolve);
    this.#stream.once('close', resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#stream.off('drain', resolve);
      this.#stream.off('close', resolve);
    });
  }

  /** Sends a message and waits for its answer; an error of the switch is OPENFLOW_REFUSED. */
  async request<T>(message: Message, options: RequestOptions<T>): Promise<T> {
    this.throwIfClosed();
    const xid = this.takeXids();
    const answer = this.expect(xid, options);
    try {
      this.send(message, xid);
    } catch (error) {
      this.#replies.fail(xid, error);
    }
    return answer;
  }

  /** Waits for the answer to a message that is sent otherwise. */
  expect<T>(xid: number, { what, deadlineMs = this.deadlineMs, take }: RequestOptions<T>): Promise<T> {
    const { peer } = this;
    return this.#replies.wait({
      xid,
      deadlineMs,
      timedOut: () => connectionError('OPENFLOW_SILENT', { peer, what, deadlineMs }),
      take(message) {
        if (message.kind === 'error') throw refused(what, xid, message);
        return take(message);
      },
    });
  }

  /** Reports errors for `count` xids from `firstXid` on, until it is disposed. */
  watch(firstXid: number, count: number, onError: Watch['onError']): Watch {
    return this.#replies.watch({ firstXid, count, onError });
  }

  #receive(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    try {
      this.#frames.push(chunk);
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) this.#dispatch(frame);
    } catch (error) {
      // Thrown on, it would be an uncaught exception of the process, for whatever bytes the peer chose.
      this.close(isTenetError(error) ? error : unreceived(error));
    }
    this.#silence.heard();
    if (chunk.length >= TURN_BYTES) this.#yieldTurn();
  }

  /** A socket hands over one chunk after the other while it has any: a long dump would keep out everybody else. */
  #yieldTurn(): void {
    if (this.#stream.isPaused()) return;
    this.#stream.pause();
    setImmediate(() => {
      if (!this.#isEchoChoked) this.#stream.resume();
    });
  }

  #dispatch(frame: Uint8Array): void {
    const { version, xid, message } = this.#decode(frame) ?? {};
    if (message === undefined || xid === undefined || version === undefined) return;
    if (message.kind === 'echo_request') this.#answerEcho(message.data, xid);
    else if (this.#replies.deliver(xid, message)) return;
    // That it came is all that it says: see `SilenceWatch`.
    else if (message.kind === 'echo_reply') return;
    else if (this.#unsolicited?.({ version, xid }, message) !== true) this.#logUnasked(xid, message);
  }

  /** A peer that asks and does not read what it is answered is not read either, and after the deadline is left. */
  #answerEcho(data: Uint8Array, xid: number): void {
    this.send({ kind: 'echo_reply', data }, xid);
    if (this.#stream.writableLength < BACKLOG_BYTES || this.#isEchoChoked) return;
    this.#isEchoChoked = true;
    this.#stream.pause();
    this.#drained().then(
      () => {
        this.#isEchoChoked = false;
        this.#stream.resume();
      },
      (silent: TenetError) => this.close(silent),
    );
  }

  /** A malformed answer fails the request that it answers; a malformed message that nobody asked for ends the channel. */
  #decode(frame: Uint8Array): Partial<ReturnType<typeof decodeMessage>> | undefined {
    try {
      return decodeMessage(frame);
    } catch (error) {
      const xid = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(4);
      if (!this.#replies.fail(xid, error)) throw error;
      return undefined;
    }
  }

  #logUnasked(xid: number, message: Message): void {
    if (message.kind !== 'error') {
      this.#log.debug('message from the switch passed over', { peer: this.peer, xid, kind: message.kind });
      return;
    }
    const { typeName, codeName } = message;
    const remedy = 'check the log of ovs-vswitchd, which names the request';
    this.#log.warn('error from the switch that nobody waits for', {
      peer: this.peer,
      xid,
      error: `${typeName} ${codeName}`,
      remedy,
    });
  }
}

function unreceived(cause: unknown): TenetError {
  return codecError('OPENFLOW_MESSAGE_MALFORMED', { what: 'OpenFlow message', detail: sentenceOf(cause) }, cause);
}

/** The error that a switch sent as one of ours; the cause is what else is known of it. */
export function refused(
  what: string,
  xid: number,
  { typeName, codeName, data }: Extract<Message, { kind: 'error' }>,
  cause?: Error,
): TenetError {
  const failedHex = Array.from(data.subarray(0, 64), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return connectionError('OPENFLOW_REFUSED', { what, typeName, codeName, xid, failedHex }, cause);
}
