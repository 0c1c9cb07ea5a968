import { echoReplyOf, echoRequest } from '@tenet/std';
import { exchange, type ProbeTarget } from './exchange.ts';
import type { Outcome } from './outcome.ts';

export interface PingProbe extends ProbeTarget {
  /** Bytes of data; the IPv4 packet is 28 bytes longer. */
  readonly size?: number;
  /** True: too large a packet is `too-big`. False: it goes in fragments. */
  readonly dontFragment?: boolean;
}

let lastIdentifier = Math.floor(Math.random() * 0x1_0000);

/** Sends one echo request. Requests that run at the same time differ in their identifier. */
export function probePing({ size = 56, ...target }: PingProbe): Promise<Outcome> {
  lastIdentifier = (lastIdentifier + 1) & 0xffff;
  const identifier = lastIdentifier;
  return exchange({
    ...target,
    protocol: 'icmp',
    port: 0,
    request: echoRequest({ identifier, sequence: 1, dataBytes: size }),
    read(packet, { ms }) {
      const message = echoReplyOf(packet);
      return message?.identifier === identifier && message.data.length === size ? { outcome: 'reply', ms } : undefined;
    },
  });
}
