/** What a pod sends to another by hand: everything that would get through if nobody looked. */
import {
  ARP_OPERATION,
  buildFrame,
  type FrameSpec,
  ICMPV4_TYPE,
  Ip,
  Mac,
  type NetworkSpec,
  type TransportSpec,
} from '@tenet/std';
import type { CastPod } from './cast.ts';
import { markBytes } from './mark.ts';

/** A frame to send, and what it is called. */
export interface MarkedFrame {
  readonly how: string;
  readonly bytes: Uint8Array;
}

const NOBODY = Mac.parse('00:00:00:00:00:00');
const LIMITED_BROADCAST = Ip.parse('255.255.255.255');
const ALL_HOSTS = Ip.parse('224.0.0.1');
/** RFC 1112 §6.4. */
const ALL_HOSTS_MAC = Mac.parse('01:00:5e:00:00:01');
/** Nobody listens there: the other end says so, which is an answer through the same tables. */
const PORT = 9999;

/** Those that arrive when the two may meet. */
export const DIRECT = ['udp', 'tcp', 'ping', 'arp broadcast', 'arp unicast'] as const;

/** What one pod sends to another, with its own addresses. */
export function directFrames(from: CastPod, to: CastPod): MarkedFrame[] {
  return DIRECT.map((how) => {
    const mark = markBytes({ from: from.uid, to: to.uid, how });
    return { how, bytes: buildFrame(directFrame(how, { from, to, mark })) };
  });
}

interface Ends {
  readonly from: CastPod;
  readonly to: CastPod;
  readonly mark: Uint8Array;
}

function directFrame(how: (typeof DIRECT)[number], { from, to, mark }: Ends): FrameSpec {
  const toPod = { source: from.mac, destination: to.mac };
  const ends = { source: from.ip, destination: to.ip };
  switch (how) {
    case 'udp':
      return { ethernet: toPod, network: ipv4(ends, udp(mark)) };
    case 'tcp': {
      const header = { sourcePort: 4000, destinationPort: PORT, flags: ['SYN'] } as const;
      return { ethernet: toPod, network: ipv4(ends, { kind: 'tcp', header, payload: mark }) };
    }
    case 'ping': {
      const type = ICMPV4_TYPE.ECHO;
      const message = { kind: 'echo', type, code: 0, identifier: 1, sequence: 1, data: mark } as const;
      return { ethernet: toPod, network: ipv4(ends, { kind: 'icmpv4', message }) };
    }
    case 'arp broadcast':
      return { ethernet: { ...toPod, destination: Mac.BROADCAST }, network: whoHas(from, to), padding: mark };
    case 'arp unicast':
      return { ethernet: toPod, network: whoHas(from, to), padding: mark };
  }
}

/** What must arrive nowhere, whoever the two are: to everybody at once, or with the address of another. */
export function forbiddenFrames(from: CastPod, to: CastPod): MarkedFrame[] {
  const rows: readonly (readonly [how: string, frame: (mark: Uint8Array) => FrameSpec])[] = [
    ['broadcast', (mark) => toAll(from, { mac: Mac.BROADCAST, ip: LIMITED_BROADCAST, mark })],
    ['multicast', (mark) => toAll(from, { mac: ALL_HOSTS_MAC, ip: ALL_HOSTS, mark })],
    [
      // As if the other had sent it to itself: its own project by its address.
      'forged source',
      (mark) => ({
        ethernet: { source: to.mac, destination: to.mac },
        network: ipv4({ source: to.ip, destination: to.ip }, udp(mark)),
      }),
    ],
  ];
  return rows.map(([how, frame]) => ({
    how,
    bytes: buildFrame(frame(markBytes({ from: from.uid, to: to.uid, how }))),
  }));
}

/**
 * What a node puts on tun0 when it has translated a pod's request to a service: from the pod, to an endpoint. The
 * switch gives it back the pod's project, and remembers the connection.
 */
export function detourFrame(from: CastPod, { to, gatewayMac }: { to: CastPod; gatewayMac: Mac }): MarkedFrame {
  const how = 'detour through the host';
  const mark = markBytes({ from: from.uid, to: to.uid, how });
  const network = ipv4({ source: from.ip, destination: to.ip }, udp(mark));
  return { how, bytes: buildFrame({ ethernet: { source: gatewayMac, destination: to.mac }, network }) };
}

function toAll(from: CastPod, { mac, ip, mark }: { mac: Mac; ip: Ip; mark: Uint8Array }): FrameSpec {
  return {
    ethernet: { source: from.mac, destination: mac },
    network: ipv4({ source: from.ip, destination: ip }, udp(mark)),
  };
}

function whoHas(from: CastPod, to: CastPod): NetworkSpec {
  const sender = { senderMac: from.mac, senderIp: from.ip };
  return {
    kind: 'arp',
    packet: { operation: ARP_OPERATION.REQUEST, ...sender, targetMac: NOBODY, targetIp: to.ip },
  };
}

function ipv4(header: { readonly source: Ip; readonly destination: Ip }, transport: TransportSpec): NetworkSpec {
  return { kind: 'ipv4', header, transport };
}

function udp(payload: Uint8Array): TransportSpec {
  return { kind: 'udp', header: { sourcePort: 4000, destinationPort: PORT }, payload };
}
