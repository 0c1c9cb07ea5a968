import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { bindUdp, findConntrack, listenTcp } from '@tenet/host';
import type { ProxiedEndpoint } from '@tenet/proxy';
import { Ip, isTenetError } from '@tenet/std';
import type { HeldClient, PortalListener, PortalSocket, PortalSockets } from './portal-socket.ts';
import { splice } from './splice.ts';

/** Settings of `NodePortals`. */
export interface NodePortalsOptions {
  /** Where portals are: the address of this node in its subnet. */
  readonly address: Ip;
  /** Where a client meant to go before rules led it here, undefined when that is not known; conntrack is asked unless told. */
  readonly askedFor?: (client: Client) => Destination | undefined;
}

export interface Destination {
  readonly address: Ip;
  readonly port: number;
}

/** Who sent what came to a portal. */
export interface Client {
  readonly protocol: 'tcp' | 'udp';
  readonly address: Ip;
  readonly port: number;
  readonly portal: Destination;
}

/** A client or an endpoint that is silent for this long is asked whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Of all portals together: the daemon needs file descriptors for more than this. */
const MOST_CONNECTIONS = 4096;

const ON_EITHER_SIDE = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS,
} as const;

/**
 * The portals of this node as sockets of its kernel. Disposing resets every connection that came through them.
 *
 * The rules drop what is sent to a portal itself. But they are there a moment after the socket, and somebody may flush
 * them; and somebody may have made the portal an endpoint of his own service. So each client is also looked up in
 * conntrack, which knows what it asked for.
 */
export class NodePortals implements PortalSockets, Disposable {
  readonly #address: Ip;
  readonly #askedFor: (client: Client) => Destination | undefined;
  readonly #sockets = new Set<Socket>();

  constructor({ address, askedFor = beforeTranslation }: NodePortalsOptions) {
    this.#address = address;
    this.#askedFor = askedFor;
  }

  open(protocol: 'tcp' | 'udp', listener: PortalListener): PortalSocket {
    return protocol === 'tcp' ? this.#listen(listener) : this.#receive(listener);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #listen(listener: PortalListener): PortalSocket {
    const fd = listenTcp({ address: this.#address, port: 0 });
    const server = createServer(ON_EITHER_SIDE, (socket) => {
      // One that is gone already has no address any more.
      const { remoteAddress, remotePort } = socket;
      if (remoteAddress === undefined || remotePort === undefined) socket.destroy();
      else if (this.#sockets.size >= MOST_CONNECTIONS) socket.resetAndDestroy();
      else if (this.#isLed(this.#client('tcp', remoteAddress, remotePort, port), listener))
        listener.onClient(this.#held(socket, remoteAddress));
      else socket.resetAndDestroy();
    });
    // What cannot be accepted, for want of file descriptors, is the client's to try again.
    server.on('error', () => {});
    server.listen({ fd });
    const address = server.address();
    if (address === null || typeof address === 'string') {
      closeSync(fd);
      throw new TypeError(`a TCP socket has no port: ${address}`);
    }
    const { port } = address;
    return { port, [Symbol.dispose]: () => void server.close() };
  }

  #receive(listener: PortalListener): PortalSocket {
    const socket = createSocket('udp4', (_bytes, from) =>
      listener.onDatagram(() => this.#isLed(this.#client('udp', from.address, from.port, port), listener)),
    );
    socket.on('error', () => {});
    socket.bind({ fd: bindUdp({ address: this.#address, port: 0 }) });
    const { port } = socket.address();
    return { port, [Symbol.dispose]: () => void socket.close() };
  }

  #isLed(client: Client, listener: PortalListener): boolean {
    const to = this.#askedFor(client);
    return to !== undefined && listener.isServedAt(to.address, to.port);
  }

  #client(protocol: Client['protocol'], address: string, port: number, portalPort: number): Client {
    return { protocol, address: Ip.parse(address), port, portal: { address: this.#address, port: portalPort } };
  }

  #held(near: Socket, address: string): HeldClient {
    this.#own(near);
    return {
      address,
      onGone: (listener) => void near.once('close', listener),
      reset: () => void near.resetAndDestroy(),
      joinTo: (endpoint, timeoutMs) => this.#join(near, endpoint, timeoutMs),
    };
  }

  async #join(near: Socket, { ip, port }: ProxiedEndpoint, timeoutMs: number): Promise<boolean> {
    if (near.destroyed) return false;
    const far = connect({ ...ON_EITHER_SIDE, host: ip.toString(), port });
    this.#own(far);
    const { promise: connected, resolve } = Promise.withResolvers<boolean>();
    const late = setTimeout(() => far.destroy(), timeoutMs);
    const giveUp = () => void far.destroy();
    near.once('close', giveUp);
    far.once('connect', () => resolve(true)).once('close', () => resolve(false));
    const isConnected = await connected;
    clearTimeout(late);
    near.off('close', giveUp);
    if (isConnected && !near.destroyed) splice(near, far);
    else far.resetAndDestroy();
    return isConnected;
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    // 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Conntrack keeps what a connection's first packet was. */
function beforeTranslation({ protocol, address, port, portal }: Client): Destination | undefined {
  try {
    const found = findConntrack({
      source: portal.address,
      sourcePort: portal.port,
      destination: address,
      destinationPort: port,
      protocol: protocol === 'tcp' ? 6 : 17,
    });
    const { destination, destinationPort } = found?.original ?? {};
    return destination === undefined || destinationPort === undefined
      ? undefined
      : { address: destination, port: destinationPort };
  } catch (error) {
    // Of whom nothing can be known, nothing is taken.
    if (isTenetError(error, 'KERNEL_REFUSED')) return undefined;
    throw error;
  }
}
