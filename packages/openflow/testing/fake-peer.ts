/** The other end of a connection, scripted: what a test needs of a switch, and of things that are none. */
import { type Duplex, duplexPair } from 'node:stream';
import { ByteWriter } from '@tenet/std';
import { decodeMessage, type Envelope, encodeMessage, FrameReader, type Message, OPENFLOW_14 } from '../src/index.ts';

/** Says what the peer answers to a message; nothing unless told. */
export type Answer = (message: Message, peer: FakePeer, xid: number) => void;

export class FakePeer {
  /** The end that the code under test gets. */
  readonly socket: Duplex;
  /** Every message that came, in order. */
  readonly received: Message[] = [];
  readonly #end: Duplex;
  readonly #frames = new FrameReader();

  constructor(answer: Answer = () => {}) {
    [this.socket, this.#end] = duplexPair();
    this.#end.on('error', () => {});
    this.#end.on('data', (chunk: Uint8Array) => {
      this.#frames.push(chunk);
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
        const { message, xid } = decodeMessage(frame);
        this.received.push(message);
        answer(message, this, xid);
      }
    });
  }

  send(message: Message, xid: number, version: Envelope['version'] = OPENFLOW_14): void {
    const w = new ByteWriter();
    encodeMessage(w, { version, xid, message });
    this.sendBytes(w.toBytes());
  }

  sendBytes(bytes: Uint8Array): void {
    this.#end.write(bytes);
  }

  /** Reads nothing more. */
  pause(): void {
    this.#end.pause();
  }

  resume(): void {
    this.#end.resume();
  }

  close(): void {
    this.#end.destroy();
  }
}

/** A peer that shakes hands and answers echoes like a switch, and leaves the rest to the script. */
export function fakeSwitch(answer: Answer = () => {}): FakePeer {
  return new FakePeer((message, peer, xid) => {
    if (message.kind === 'hello') peer.send({ kind: 'hello', versions: [OPENFLOW_14] }, xid);
    else answer(message, peer, xid);
  });
}
