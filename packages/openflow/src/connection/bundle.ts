/** Many changes as one: all of them, or none and the name of the one that was refused (OpenFlow 1.4.1 §6.9). */
import { ByteWriter, isTenetError } from '@tenet/std';
import type { BundledMessage, BundleFlags, BundleStep, ErrorMessage } from '../codec/message.ts';
import { encodeMessage } from '../codec/message-codec.ts';
import type { Channel } from './channel.ts';
import { describeMod } from './describe-mod.ts';
import { connectionError } from './errors.ts';

/** Settings of `SwitchConnection.bundle`. */
export interface BundleOptions {
  /** All at once for packets, not only for controllers. True unless told. */
  readonly atomic?: boolean;
  /** In the order given. True unless told. */
  readonly ordered?: boolean;
  /** How long the switch may take for each of: taking all changes, applying them. Milliseconds. */
  readonly deadlineMs?: number;
}

/** Changes encoded before they are handed to the socket in one piece. */
const PIECE_BYTES = 128 * 1024;

/** A large bundle keeps ovs-vswitchd busy for seconds. */
const BUNDLE_DEADLINE_MS = 60_000;

interface Failure {
  readonly index: number;
  readonly error: ErrorMessage;
}

/**
 * Sends changes as one bundle. OPENFLOW_BUNDLE_REFUSED names the change that the switch refused,
 * OPENFLOW_CHANGE_UNENCODABLE the one that the protocol cannot say; any error means that nothing was applied, except OPENFLOW_SILENT and OPENFLOW_CLOSED of the commit itself, after which nobody knows: the
 * channel is closed then, so that the caller starts again from what the switch has.
 */
export async function sendBundle(
  channel: Channel,
  id: number,
  mods: readonly BundledMessage[],
  { atomic = true, ordered = true, deadlineMs = BUNDLE_DEADLINE_MS }: BundleOptions,
): Promise<void> {
  const bundle = new OpenBundle(channel, id, { atomic, ordered }, deadlineMs);
  await bundle.step('open_request');
  let failure: Failure | undefined;
  const firstXid = channel.takeXids(mods.length);
  using _watch = channel.watch(firstXid, mods.length, (xid, error) => {
    failure ??= { index: xid - firstXid, error };
  });
  try {
    await bundle.add(mods, firstXid, () => failure !== undefined);
    // A switch does not acknowledge what it takes: behind a barrier, what was not refused was taken.
    await channel.request(
      { kind: 'barrier_request' },
      { what: 'barrier of a bundle', deadlineMs, take: isBarrierReply },
    );
  } catch (error) {
    await bundle.discard();
    throw error;
  }
  if (failure !== undefined) {
    await bundle.discard();
    throw bundleRefused(mods, failure);
  }
  try {
    await bundle.step('commit_request');
  } catch (error) {
    if (failure !== undefined) throw bundleRefused(mods, failure);
    if (isTenetError(error, 'OPENFLOW_SILENT')) channel.close(error);
    throw error;
  }
}

const isBarrierReply = ({ kind }: { readonly kind: string }) => (kind === 'barrier_reply' ? true : undefined);

class OpenBundle {
  readonly #channel: Channel;
  readonly #id: number;
  readonly #flags: BundleFlags;
  readonly #deadlineMs: number;

  constructor(channel: Channel, id: number, flags: BundleFlags, deadlineMs: number) {
    this.#channel = channel;
    this.#id = id;
    this.#flags = flags;
    this.#deadlineMs = deadlineMs;
  }

  /** Asks for one step of the bundle's life and waits until it is done. */
  async step(step: 'open_request' | 'commit_request' | 'discard_request'): Promise<void> {
    const reply = REPLIES[step];
    await this.#channel.request(
      { kind: 'bundle_control', id: this.#id, step, flags: this.#flags },
      {
        what: `bundle ${step.replace('_', ' ')}`,
        deadlineMs: this.#deadlineMs,
        take: (message) => (message.kind === 'bundle_control' && message.step === reply ? true : undefined),
      },
    );
  }

  /** Sends changes, many in one piece, until all are sent or `stopped`. */
  async add(mods: readonly BundledMessage[], firstXid: number, stopped: () => boolean): Promise<void> {
    const { version } = this.#channel;
    const w = new ByteWriter(2 * PIECE_BYTES);
    for (const [index, message] of mods.entries()) {
      const bundled = { kind: 'bundle_add', id: this.#id, flags: this.#flags, message } as const;
      try {
        encodeMessage(w, { version, xid: firstXid + index, message: bundled });
      } catch (cause) {
        const facts = { index, count: mods.length, mod: describeMod(message) };
        throw connectionError('OPENFLOW_CHANGE_UNENCODABLE', facts, cause);
      }
      if (w.length < PIECE_BYTES) continue;
      await this.#channel.write(w.toBytes());
      w.clear();
      if (stopped()) return;
    }
    if (w.length > 0) await this.#channel.write(w.toBytes());
  }

  /** Forgets the bundle. When even that fails, the channel ends, and the switch forgets the bundle with it. */
  async discard(): Promise<void> {
    try {
      await this.step('discard_request');
    } catch (error) {
      if (isTenetError(error)) this.#channel.close(error);
    }
  }
}

const REPLIES = {
  open_request: 'open_reply',
  commit_request: 'commit_reply',
  discard_request: 'discard_reply',
} as const satisfies Readonly<Record<string, BundleStep>>;

function bundleRefused(mods: readonly BundledMessage[], { index, error }: Failure): Error {
  const { typeName, codeName } = error;
  const mod = describeMod(mods[index]);
  return connectionError('OPENFLOW_BUNDLE_REFUSED', { index, count: mods.length, mod, typeName, codeName });
}
