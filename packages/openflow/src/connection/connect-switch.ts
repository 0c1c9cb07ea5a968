import { createConnection, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Logger, SILENT } from '@tenet/std';
import { agreedVersion } from '../codec/hello-codec.ts';
import { isVersion, OPENFLOW_13, OPENFLOW_14, type Version } from '../codec/protocol.ts';
import { Channel, refused } from './channel.ts';
import { connectionError } from './errors.ts';
import { SwitchConnection } from './switch-connection.ts';

/** Settings of `connectSwitch`. */
export interface ConnectOptions {
  /** The bridge's socket, such as `/var/run/openvswitch/br0.mgmt`. */
  readonly path?: string;
  /** A stream that is connected already, instead of a path. */
  readonly socket?: Duplex;
  /** Ends the session when it aborts. */
  readonly signal: AbortSignal;
  readonly log?: Logger;
  /** The one version to speak; without it 1.4, or 1.3 where the bridge has no 1.4. */
  readonly version?: Version;
  /** How long the connection, the handshake and each plain answer may take. */
  readonly deadlineMs?: number;
  /** Silence after which the switch is asked for an echo, whatever answers are due. */
  readonly echoIdleMs?: number;
  /** Silence after that which ends the session, and every wait with it. */
  readonly echoDeadlineMs?: number;
}

const DEADLINE_MS = 10_000;

/**
 * A switch that hangs is given up after 10 s, by the numbers by which Open vSwitch gives up its controllers
 * (ovs-vswitchd.conf.db(5), Controller, inactivity_probe). It may rightly be silent while it takes and commits a
 * bundle: under a second for 100,000 flows (Open vSwitch 3.1, two CPUs), which leaves room for a machine ten times slower.
 */
const ECHO_IDLE_MS = 5_000;
const ECHO_DEADLINE_MS = 5_000;

/**
 * Connects to a bridge and agrees on a version. OPENFLOW_UNREACHABLE, OPENFLOW_SILENT, OPENFLOW_VERSION_REFUSED,
 * OPENFLOW_REFUSED, OPENFLOW_CLOSED, or a codec error when the peer speaks something else; the signal's reason when it
 * aborts.
 */
export async function connectSwitch(options: ConnectOptions): Promise<SwitchConnection> {
  const { path, signal, log = SILENT, version, deadlineMs = DEADLINE_MS } = options;
  const { echoIdleMs = ECHO_IDLE_MS, echoDeadlineMs = ECHO_DEADLINE_MS } = options;
  signal.throwIfAborted();
  const peer = path ?? 'the given socket';
  const stream = options.socket ?? (await openSocket(path, signal, deadlineMs));
  const offered: readonly Version[] = version === undefined ? [OPENFLOW_13, OPENFLOW_14] : [version];
  const channel = new Channel(
    { stream, peer, log, echoIdleMs, echoDeadlineMs, deadlineMs },
    offered[offered.length - 1] ?? OPENFLOW_14,
  );
  const abort = () => channel.close();
  signal.addEventListener('abort', abort, { once: true });
  void channel.closed.then(() => signal.removeEventListener('abort', abort));
  try {
    channel.version = await shakeHands(channel, offered);
  } catch (error) {
    channel.close();
    signal.throwIfAborted();
    throw error;
  }
  return new SwitchConnection(channel);
}

async function openSocket(path: string | undefined, signal: AbortSignal, deadlineMs: number): Promise<Socket> {
  if (path === undefined) throw new TypeError('connectSwitch needs a path or a socket');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createConnection({ path });
  const silent = () => reject(connectionError('OPENFLOW_SILENT', { peer: path, what: 'connection', deadlineMs }));
  const abort = () => reject(signal.reason);
  const fail = (cause: Error) => reject(connectionError('OPENFLOW_UNREACHABLE', { peer: path }, cause));
  const timer = setTimeout(silent, deadlineMs);
  socket.once('connect', resolve);
  socket.once('error', fail);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.off('error', fail);
  }
}

/** Exchanges hellos (OpenFlow 1.4.1 §6.3.1). The switch's first message must be its hello. */
async function shakeHands(channel: Channel, offered: readonly Version[]): Promise<Version> {
  const { peer, deadlineMs } = channel;
  const { promise, resolve, reject } = Promise.withResolvers<Version>();
  const refuse = (theirs: readonly number[]) =>
    reject(connectionError('OPENFLOW_VERSION_REFUSED', { peer, offered, theirs }));
  channel.onUnsolicited(({ version, xid }, message) => {
    if (message.kind === 'error') {
      reject(refused('hello', xid, message, textOf(message.data)));
      return true;
    }
    // Nothing else can be the first: FrameReader.
    if (message.kind !== 'hello') return false;
    const agreed = agreedVersion(offered, version, message.versions);
    if (agreed === undefined || !isVersion(agreed)) {
      refuse(message.versions ?? [version]);
      return true;
    }
    channel.onUnsolicited(undefined);
    resolve(agreed);
    return true;
  });
  const timer = setTimeout(
    () => reject(connectionError('OPENFLOW_SILENT', { peer, what: 'hello', deadlineMs })),
    deadlineMs,
  );
  void channel.closed.then((reason) => reject(reason ?? connectionError('OPENFLOW_CLOSED', { peer })));
  try {
    channel.send({ kind: 'hello', versions: offered });
    return await promise;
  } finally {
    clearTimeout(timer);
    channel.onUnsolicited(undefined);
  }
}

const MAX_TEXT_BYTES = 256;

/** What a peer says of why it refuses a hello, in ASCII (OpenFlow 1.4.1 §7.5.4.1), as the cause of the refusal. */
function textOf(data: Uint8Array): Error | undefined {
  const text = new TextDecoder()
    .decode(data.subarray(0, MAX_TEXT_BYTES))
    .replace(/[^ -~]+/g, ' ')
    .trim();
  return text === '' ? undefined : new Error(`the switch says: ${text}`);
}
