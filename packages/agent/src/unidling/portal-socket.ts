import type { ProxiedEndpoint } from '@tenet/proxy';

/** A client's connection that was accepted in the service's stead. */
export interface HeldClient {
  /** The client's address. */
  readonly address: string;
  /** Tells once, when the client has reset its connection. */
  onGone(listener: () => void): void;
  /** Ends it as if nobody had listened: with RST. */
  reset(): void;
  /**
   * Connects to an endpoint and joins the two for as long as they speak. False when the endpoint did not take the
   * connection within `timeoutMs`: then another may be tried.
   */
  joinTo(endpoint: ProxiedEndpoint, timeoutMs: number): Promise<boolean>;
}

/** What a portal hears. */
export interface PortalListener {
  /** A client has connected. One that the rules did not lead here is never told of. */
  onClient(client: HeldClient): void;
  /** A datagram came, and is gone; `isLed` asks whether the rules led it here, which costs a call to the kernel. */
  onDatagram(isLed: () => boolean): void;
}

/** A socket of this node to which the rules lead what is for a port that sleeps. Disposing closes it, not its clients. */
export interface PortalSocket extends Disposable {
  readonly port: number;
}

/** Opens portals, all at one address. */
export interface PortalSockets {
  /** KERNEL_REFUSED when the kernel would not. */
  open(protocol: 'tcp' | 'udp', listener: PortalListener): PortalSocket;
}
