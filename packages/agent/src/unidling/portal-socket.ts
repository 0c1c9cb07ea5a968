import type { ProxiedEndpoint } from '@tenet/proxy';
import type { Ip } from '@tenet/std';

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
  /**
   * Whether this address and port are those of the service: anybody can write an endpoint, and a client that asked for
   * another service and was led here is nobody's.
   */
  isServedAt(address: Ip, port: number): boolean;
  /** A client has connected. One that the service's rules did not lead here is never told of. */
  onClient(client: HeldClient): void;
  /** A datagram came, and is gone; `isLed` asks whether the service's rules led it here, which costs a call to the kernel. */
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
