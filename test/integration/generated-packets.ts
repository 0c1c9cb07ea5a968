/** Packets that try every way to the services of a world, right and wrong, as a seed decides. */
import type { Service, ServicePort, ServiceProtocol } from '@tenet/model';
import { Ip } from '@tenet/std';
import type { Seeded } from '../soak/seeded.ts';
import { podElsewhere, podHere, whole } from './generated-services.ts';
import { NODE_NETWORK, SECOND_NODE_IP } from './service-node.ts';
import type { Origin, ServicePacket } from './service-packet.ts';
import type { ServiceWorld } from './service-promise.ts';

const { gateway, nodeIp, clusterNetworks, serviceNetwork } = NODE_NETWORK;
const OWN_IPS = [gateway, nodeIp, SECOND_NODE_IP];
const REGULAR_OUTSIDE = Ip.parse('203.0.113.1');
const REGULAR_POD = Ip.parse('10.131.2.8');
const PROTOCOLS: readonly ServiceProtocol[] = ['tcp', 'udp', 'sctp'];

type Target = Pick<ServicePacket, 'destination' | 'protocol' | 'port'>;

interface PacketChoice {
  /** How many. */
  readonly count: number;
  /** The number of the first. */
  readonly firstNumber: number;
  /** How many of them are traced. */
  readonly traced: number;
}

export function generatedPackets(random: Seeded, world: ServiceWorld, choice: PacketChoice): ServicePacket[] {
  const { count, firstNumber, traced } = choice;
  return Array.from({ length: count }, (_, at) => {
    const { service, port } = servicePortIn(random, world);
    const target = targetOf(random, world, service, port);
    const from = random.pick<Origin>(['pod', 'pod', 'node', 'outside', 'outside']);
    const number = firstNumber + at;
    return {
      ...target,
      number,
      from,
      source: sourceOf(random, from, target, world, service),
      // Never the same twice from one source: conntrack would take it for the same connection.
      sourcePort: 1024 + (number % 28_000),
      isTraced: at < traced,
    };
  });
}

function servicePortIn(random: Seeded, world: ServiceWorld): { service: Service; port: ServicePort } {
  const service = random.pick(world.services);
  return { service, port: random.pick(service.ports) };
}

function targetOf(random: Seeded, world: ServiceWorld, service: Service, wanted: ServicePort): Target {
  const { clusterIps, externalIps, loadBalancerIps } = service;
  const { protocol, port, nodePort } = wanted;
  const at = (destination: Ip): Target => ({ destination, protocol, port });
  const published = [...externalIps, ...loadBalancerIps];
  const lot = random.next();
  if (lot < 0.5) {
    // One of the addresses that it has.
    const targets = [
      ...clusterIps.map(at),
      ...published.flatMap((ip) => [at(ip), at(ip)]),
      ...(nodePort === undefined ? [] : OWN_IPS.map((destination) => ({ destination, protocol, port: nodePort }))),
    ];
    if (targets.length > 0) return random.pick(targets);
  }
  if (lot < 0.65 && clusterIps[0] !== undefined) return at(clusterIps[0]);
  if (lot < 0.72) {
    const other = random.pick([...clusterIps, ...published, nodeIp]);
    return { destination: other, protocol, port: random.isChance(0.5) ? port + 1 : whole(random, 1, 65_000) };
  }
  if (lot < 0.8)
    return { destination: random.pick([...clusterIps, ...published, nodeIp]), protocol: random.pick(PROTOCOLS), port };
  if (lot < 0.84) return { destination: random.pick(OWN_IPS), protocol, port: whole(random, 20_000, 32_000) };
  if (lot < 0.9) {
    const portals = [...world.portals.values()];
    if (portals.length > 0) {
      const portal = random.pick(portals);
      return { destination: portal.ip, protocol: random.pick(['tcp', 'udp'] as const), port: portal.port };
    }
  }
  if (lot < 0.94) return at(serviceNetwork.last.plus(-whole(random, 2, 200)));
  if (lot < 0.97) return at(random.isChance(0.5) ? podHere(random) : podElsewhere(random));
  return at(Ip.parse(`192.0.2.${whole(random, 100, 200)}`));
}

function sourceOf(random: Seeded, from: Origin, target: Target, world: ServiceWorld, service: Service): Ip {
  const { name, affinitySeconds } = service;
  // One who comes again.
  const isRegular = affinitySeconds !== undefined && random.isChance(0.7);
  switch (from) {
    case 'outside':
      if (isRegular) return REGULAR_OUTSIDE;
      return Ip.parse(random.isChance(0.7) ? `203.0.113.${whole(random, 1, 240)}` : `192.0.2.${whole(random, 1, 30)}`);
    case 'node':
      return nodeSource(random, target.destination);
    case 'pod': {
      if (isRegular) return REGULAR_POD;
      // An endpoint that speaks to its own service.
      const endpoints = world.slices.flatMap((slice) => (slice.service === name ? slice.endpoints : []));
      const pods = endpoints.filter(({ ip }) => NODE_NETWORK.subnet.contains(ip));
      if (pods.length > 0 && random.isChance(0.4)) return random.pick(pods).ip;
      // A pod of another node sees this one's own addresses only.
      if (target.destination.equals(gateway) && random.isChance(0.3)) return podElsewhere(random);
      return podHere(random);
    }
  }
}

/** What a program of the node bears that did not choose, or one that is bound to the node's address. */
function nodeSource(random: Seeded, destination: Ip): Ip {
  if (OWN_IPS.some((own) => own.equals(destination))) return destination;
  const isBehindTun0 = [...clusterNetworks, serviceNetwork].some((range) => range.contains(destination));
  return isBehindTun0 && random.isChance(0.7) ? gateway : nodeIp;
}
