/** Sends packets to services of a node, and sees what leaves it and what comes in for its own programs. */
import assert from 'node:assert/strict';
import { buildFrame, echoReplyOf, echoRequest, IP_PROTOCOL, Ip, Mac } from '@tenet/std';
import { eventually } from '../eventually.ts';
import { LocalPackets, sendFrom } from './raw-ip-socket.ts';
import { NODE_NETWORK, type NodeLink, type ServiceNode } from './service-node.ts';
import type { Outcome } from './service-outcome.ts';
import {
  answerBytes,
  frameTo,
  packetIn,
  questionBytes,
  type ServicePacket,
  type Sighting,
  sightingIn,
} from './service-packet.ts';

/** Where something of a packet was seen. */
type Place = NodeLink | 'node';

interface Seen extends Sighting {
  readonly at: Place;
}

/** What was seen of one packet. */
export interface Observation {
  readonly packet: ServicePacket;
  readonly outcome: Outcome;
  /** Of one that left translated: whether its sender got an answer of the endpoint, as from whom it had spoken to. */
  readonly isAnswered?: boolean;
}

/** As many as fit into the buffers of the sockets with all that comes of them. */
const BATCH = 64;
const LINKS = ['tun0', 'eth0'] as const;
const SOMEBODY = Mac.parse('02:00:00:00:00:01');
/** Who pings the node on either side. */
const PROBES: Readonly<Record<NodeLink, { readonly source: Ip; readonly destination: Ip }>> = {
  tun0: { source: Ip.parse('10.131.3.200'), destination: NODE_NETWORK.gateway },
  eth0: { source: Ip.parse('203.0.113.250'), destination: NODE_NETWORK.nodeIp },
};

export class ServiceWire implements Disposable {
  readonly #node: ServiceNode;
  readonly #local: LocalPackets;
  readonly #latestMs: number;
  /** By number, all that was seen and not yet reported. */
  readonly #seen = new Map<number, Seen[]>();
  #echoes = 0;
  readonly #echoed = new Set<string>();

  /** A packet that turns up `latestMs` later than what was sent behind it is taken for dropped. */
  constructor(node: ServiceNode, { latestMs = 2000 }: { readonly latestMs?: number } = {}) {
    this.#node = node;
    this.#latestMs = latestMs;
    this.#local = new LocalPackets(node.namespace);
  }

  [Symbol.dispose](): void {
    this.#local[Symbol.dispose]();
  }

  /** Sends them all, and answers what has left; `isExpected` says whether to wait longer for another outcome. */
  async observe(
    packets: readonly ServicePacket[],
    isExpected: (packet: ServicePacket, outcome: Outcome) => boolean,
  ): Promise<Observation[]> {
    const observations: Observation[] = [];
    for (let at = 0; at < packets.length; at += BATCH) {
      const batch = packets.slice(at, at + BATCH);
      for (const packet of batch) this.#send(packet);
      await this.#settled();
      const outcomes = await Promise.all(batch.map((packet) => this.#outcomeOf(packet, isExpected)));
      const areAsked = batch.map((packet) => this.#answer(packet));
      await this.#settled();
      const answered = await Promise.all(batch.map((packet, index) => areAsked[index] && this.#isAnswered(packet)));
      for (const [index, packet] of batch.entries()) {
        const [outcome, isAnswered] = [outcomes[index], answered[index]];
        assert.ok(outcome);
        observations.push({ packet, outcome, ...(areAsked[index] && { isAnswered: isAnswered === true }) });
      }
    }
    this.#look();
    for (const { packet, outcome } of observations)
      if (outcome.kind !== 'to')
        assert.ok(
          !this.#of(packet, 'question').length,
          `packet ${packet.number} was ${outcome.kind} and turned up later`,
        );
    this.#seen.clear();
    return observations;
  }

  #send(packet: ServicePacket): void {
    const bytes = questionBytes(packet);
    if (packet.from === 'node') sendFrom(this.#node.namespace, bytes, packet.destination);
    else this.#sendOn(linkOf(packet.from), bytes);
  }

  #sendOn(link: NodeLink, packet: Uint8Array): void {
    this.#node.wires[link].send(frameTo(this.#node.macs[link], packet));
  }

  /** Answers what has left translated, as its endpoint would; false when nothing has, or not to a wire. */
  #answer(packet: ServicePacket): boolean {
    for (const { at, ...seen } of this.#of(packet, 'question')) {
      const isSame = seen.destination.equals(packet.destination) && seen.port === packet.port;
      if (at === 'node' || isSame) continue;
      this.#sendOn(at, answerBytes({ ...seen, protocol: packet.protocol }));
      return true;
    }
    return false;
  }

  async #isAnswered(packet: ServicePacket): Promise<boolean> {
    const at = packet.from === 'node' ? 'node' : linkOf(packet.from);
    const isBack = (seen: Seen) =>
      seen.at === at &&
      seen.source.equals(packet.destination) &&
      seen.sourcePort === packet.port &&
      seen.destination.equals(packet.source) &&
      seen.port === packet.sourcePort;
    return await this.#patiently(
      () => this.#of(packet, 'answer').some(isBack),
      (is) => is,
    );
  }

  async #outcomeOf(
    packet: ServicePacket,
    isExpected: (packet: ServicePacket, outcome: Outcome) => boolean,
  ): Promise<Outcome> {
    return await this.#patiently(
      () => this.#outcome(packet),
      (outcome) => isExpected(packet, outcome),
    );
  }

  #outcome(packet: ServicePacket): Outcome {
    const places = this.#of(packet, 'question').map(({ source, destination: ip, port }) => ({ source, ip, port }));
    assert.ok(new Set(places.map(({ ip, port }) => `${ip}:${port}`)).size <= 1, `packet ${packet.number} went twice`);
    const [first] = places;
    if (first !== undefined) return { kind: 'to', ...first };
    // br0 takes it for the node's own word only from the gateway; a pod that spoke to the node hears the one it spoke to.
    const isSound = ({ source, destination }: Seen) =>
      destination.equals(packet.source) &&
      (packet.from !== 'pod' || source.equals(NODE_NETWORK.gateway) || source.equals(packet.destination));
    const isTold = this.#of(packet, 'refusal').some(isSound);
    return { kind: isTold ? 'refused' : 'dropped' };
  }

  #of(packet: ServicePacket, kind: Sighting['kind']): readonly Seen[] {
    return (this.#seen.get(packet.number) ?? []).filter((seen) => seen.kind === kind);
  }

  /** Looks again while what it sees is not what it should be, for as long as a packet may be late. */
  async #patiently<T>(look: () => T, isRight: (value: T) => boolean): Promise<T> {
    const deadline = performance.now() + this.#latestMs;
    for (;;) {
      this.#look();
      const value = look();
      if (isRight(value) || performance.now() > deadline) return value;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #look(): void {
    for (const packet of this.#local.received()) this.#note('node', packet);
    for (const link of LINKS)
      for (const frame of this.#node.wires[link].received()) {
        const packet = packetIn(frame);
        if (packet !== undefined) this.#note(link, packet);
      }
  }

  #note(at: Place, packet: Uint8Array): void {
    const echo = echoReplyOf(packet);
    if (echo !== undefined) this.#echoed.add(`${at} ${echo.sequence}`);
    const sighting = sightingIn(packet);
    if (sighting !== undefined)
      this.#seen.set(sighting.number, [...(this.#seen.get(sighting.number) ?? []), { ...sighting, at }]);
  }

  /** Until the node has answered a ping from each side that was sent behind all else. */
  async #settled(): Promise<void> {
    this.#echoes = (this.#echoes + 1) % 65_536;
    for (const link of LINKS) {
      const network = {
        kind: 'ipv4',
        header: { ...PROBES[link], protocol: IP_PROTOCOL.ICMP },
        transport: { kind: 'raw', payload: echoRequest({ identifier: 1, sequence: this.#echoes }) },
      } as const;
      const ethernet = { source: SOMEBODY, destination: this.#node.macs[link] };
      this.#node.wires[link].send(buildFrame({ ethernet, network }));
    }
    const isBack = () => {
      this.#look();
      return LINKS.every((link) => this.#echoed.has(`${link} ${this.#echoes}`)) ? true : undefined;
    };
    await eventually(isBack, { what: `the node answers ping ${this.#echoes} on both sides` });
    this.#echoed.clear();
  }
}

function linkOf(from: 'pod' | 'outside'): NodeLink {
  return from === 'pod' ? 'tun0' : 'eth0';
}
