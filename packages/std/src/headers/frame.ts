import type { Arp } from './arp.ts';
import type { EthernetHeader } from './ethernet.ts';
import type { Icmpv4 } from './icmpv4.ts';
import type { Icmpv6 } from './icmpv6.ts';
import type { Ipv4Header } from './ipv4.ts';
import type { Ipv6Header } from './ipv6.ts';
import type { SctpHeader } from './sctp.ts';
import type { TcpHeader } from './tcp.ts';
import type { UdpHeader } from './udp.ts';
import type { VlanTag } from './vlan.ts';

/** A whole Ethernet frame, taken apart without losing a bit: `buildFrame(parseFrame(bytes))` gives the same bytes. */
export interface Frame {
  readonly ethernet: EthernetHeader;
  /** Outermost first. */
  readonly vlans: readonly VlanTag[];
  readonly network: Network;
  /** Bytes behind what the network layer claims: Ethernet's padding to 60 bytes, or an odd tail. */
  readonly padding: Uint8Array;
}

export type Network =
  | { readonly kind: 'arp'; readonly packet: Arp }
  | { readonly kind: 'ipv4'; readonly header: Ipv4Header; readonly transport: Transport }
  | { readonly kind: 'ipv6'; readonly header: Ipv6Header; readonly transport: Transport }
  | { readonly kind: 'raw'; readonly payload: Uint8Array };

export type Transport =
  | {
      readonly kind: 'udp';
      readonly header: UdpHeader;
      readonly payload: Uint8Array;
      /** IP payload behind what the UDP length claims (the surplus area of RFC 9868). */
      readonly surplus: Uint8Array;
    }
  | { readonly kind: 'tcp'; readonly header: TcpHeader; readonly payload: Uint8Array }
  | { readonly kind: 'icmpv4'; readonly message: Icmpv4 }
  | { readonly kind: 'icmpv6'; readonly message: Icmpv6 }
  | { readonly kind: 'sctp'; readonly header: SctpHeader; readonly chunks: Uint8Array }
  /** A protocol that we do not read, or a fragment that is not the first. */
  | { readonly kind: 'raw'; readonly payload: Uint8Array };

/** `T` in which the fields `K` may be left out: `buildFrame` then computes them or takes their usual value. */
type Without<T, K extends keyof T> = T extends unknown ? Omit<T, K> & Partial<Pick<T, K>> : never;

/** What `buildFrame` takes: a `Frame`, or one without all that can be computed. */
export interface FrameSpec {
  readonly ethernet: Without<EthernetHeader, 'etherType'>;
  readonly vlans?: readonly Without<VlanTag, 'etherType' | 'priority' | 'dropEligible'>[];
  readonly network: NetworkSpec;
  readonly padding?: Uint8Array;
}

export type NetworkSpec =
  | { readonly kind: 'arp'; readonly packet: Arp }
  | { readonly kind: 'ipv4'; readonly header: Ipv4Spec; readonly transport: TransportSpec }
  | { readonly kind: 'ipv6'; readonly header: Ipv6Spec; readonly transport: TransportSpec }
  | { readonly kind: 'raw'; readonly payload: Uint8Array };

export type Ipv4Spec = Pick<Ipv4Header, 'source' | 'destination'> & Partial<Ipv4Header>;
export type Ipv6Spec = Pick<Ipv6Header, 'source' | 'destination'> & Partial<Ipv6Header>;

export type TransportSpec =
  | {
      readonly kind: 'udp';
      readonly header: Without<UdpHeader, 'length' | 'checksum'>;
      readonly payload?: Uint8Array;
      readonly surplus?: Uint8Array;
    }
  | {
      readonly kind: 'tcp';
      readonly header: Pick<TcpHeader, 'sourcePort' | 'destinationPort' | 'flags'> & Partial<TcpHeader>;
      readonly payload?: Uint8Array;
    }
  | { readonly kind: 'icmpv4'; readonly message: Without<Icmpv4, 'checksum'> }
  | { readonly kind: 'icmpv6'; readonly message: Without<Icmpv6, 'checksum'> }
  | { readonly kind: 'sctp'; readonly header: Without<SctpHeader, 'checksum'>; readonly chunks?: Uint8Array }
  | { readonly kind: 'raw'; readonly payload: Uint8Array };
