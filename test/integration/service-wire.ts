/** Sends packets to services of a node, and sees what leaves it and what comes in for its own programs. */
import assert from 'node:assert/strict';
import { buildFrame, echoRequest, Ip, Mac } from '@tenet/std';
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
  /** Of one that left translated: whether the endpoint's answer came back to where the packet was from, as from where it was sent to. */
  readonly isAnswered?: boolean;
}

/** As many as fit into the buffers of the sockets with all that comes of them. */
const BATCH = 64;
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
  #echoed = new Set<string>();

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
      const questions = batch.map((packet) => this.#translated(packet));
      for (const question of questions) if (question !== undefined) this.#answer(question.packet, question.seen);
      await this.#settled();
      const answered = await Promise.all(questions.map((question) => question && this.#isAnswered(question.packet)));
      for (const [index, packet] of batch.entries()) {
        const [outcome, isAnswered] = [outcomes[index], answered[index]];
        assert.ok(outcome);
        observations.push({ packet, outcome, ...(isAnswered !== undefined && { isAnswered }) });
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

  /** An endpoint on a wire answers; one on the node itself has nobody who would. */
  #answer(packet: ServicePacket, seen: Seen): void {
    if (seen.at !== 'node') this.#sendOn(seen.at, answerBytes({ ...seen, protocol: packet.protocol }));
  }

  /** What left towards an endpoint on a wire. */
  #translated(packet: ServicePacket): { packet: ServicePacket; seen: Seen } | undefined {
    const seen = this.#of(packet, 'question').find(({ at, destination, port }) => {
      const isSame = destination.equals(packet.destination) && port === packet.port;
      return at !== 'node' && !isSame;
    });
    return seen && { packet, seen };
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
    const [first, ...others] = places;
    for (const other of others)
      assert.deepEqual(
        `${other.ip}:${other.port}`,
        `${first?.ip}:${first?.port}`,
        `packet ${packet.number} went twice`,
      );
    if (first !== undefined) return { kind: 'to', ...first };
    const isTold = this.#of(packet, 'refusal').some(({ destination }) => destination.equals(packet.source));
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
    for (const link of ['tun0', 'eth0'] as const)
      for (const frame of this.#node.wires[link].received()) {
        const packet = packetIn(frame);
        if (packet !== undefined) this.#note(link, packet);
      }
  }

  #note(at: Place, packet: Uint8Array): void {
    if (packet[9] === 1 && packet[20] === 0 && at !== 'node')
      this.#echoed.add(`${at} ${(packet[26] ?? 0) * 256 + (packet[27] ?? 0)}`);
    const sighting = sightingIn(packet);
    if (sighting !== undefined)
      this.#seen.set(sighting.number, [...(this.#seen.get(sighting.number) ?? []), { ...sighting, at }]);
  }

  /** Until the node has answered a ping from each side that was sent behind all else. */
  async #settled(): Promise<void> {
    this.#echoes = (this.#echoes + 1) % 65_536;
    const links = ['tun0', 'eth0'] as const;
    for (const link of links) {
      const network = {
        kind: 'ipv4',
        header: { ...PROBES[link], protocol: 1 },
        transport: { kind: 'raw', payload: echoRequest({ identifier: 1, sequence: this.#echoes }) },
      } as const;
      const nowhere = Mac.parse('02:00:00:00:00:01');
      this.#node.wires[link].send(
        buildFrame({ ethernet: { source: nowhere, destination: this.#node.macs[link] }, network }),
      );
    }
    const isBack = () => {
      this.#look();
      return links.every((link) => this.#echoed.has(`${link} ${this.#echoes}`)) ? true : undefined;
    };
    await eventually(isBack, { what: `the node answers ping ${this.#echoes} on both sides` });
    this.#echoed.clear();
  }
}

function linkOf(from: 'pod' | 'outside'): NodeLink {
  return from === 'pod' ? 'tun0' : 'eth0';
}
