/** Generated services in one back end, and generated packets to them: what of that is not as promised. */
import assert from 'node:assert/strict';
import { iptablesRestore, iptablesSave } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules } from '@tenet/pipeline';
import { type ProxiedPort, type ProxyNode, type RulesPlanner, ServiceTable } from '@tenet/proxy';
import { type Seeded, seeded } from '../soak/seeded.ts';
import { AffinityMemory } from './affinity-memory.ts';
import { generatedPackets } from './generated-packets.ts';
import { changedServices, type GeneratedService, generatedServices, worldOf } from './generated-services.ts';
import { markTraced, type RulesTrace, rulesTrace } from './rules-trace.ts';
import type { BackEnd } from './service-back-ends.ts';
import { NODE_NETWORK, type ServiceNode, serviceNode } from './service-node.ts';
import { inWords, isAmong, type Outcome } from './service-outcome.ts';
import type { ServicePacket } from './service-packet.ts';
import { type PacketPromise, promiseTo, type ServiceWorld } from './service-promise.ts';
import { type Observation, ServiceWire } from './service-wire.ts';
import { outcomeOf, wayInWords } from './traced-ways.ts';

export interface RulesCheck {
  readonly backEnd: BackEnd;
  readonly seed: string;
  readonly services: number;
  /** The services change between two worlds. */
  readonly worlds: number;
  /** In each world. */
  readonly packets: number;
  /** Of them. */
  readonly traced: number;
  /** For how long packets that should turn up are waited for; as the wire does when left out. */
  readonly latestMs?: number;
  /** A planted mistake: what is applied in place of what was planned. */
  readonly spoil?: Spoil;
}

export interface Spoil {
  readonly port?: (port: ProxiedPort) => ProxiedPort;
  readonly text?: (text: string) => string;
}

export interface RulesReport {
  /** Each in words. */
  readonly mistakes: readonly string[];
  /** How many packets tried each clause of the promises. */
  readonly clauses: ReadonlyMap<string, number>;
  readonly tracedRules: number;
}

/** How long the kernel's word on a packet may take to come. */
const TOLD_WITHIN_MS = 3000;
/** What the kernel tells of more packets does not fit into the buffer of who listens. */
const TRACED_AT_ONCE = 4;

export async function checkServiceRules(check: RulesCheck): Promise<RulesReport> {
  const { backEnd, seed, worlds } = check;
  using node = serviceNode(backEnd.name);
  await applyHostRules(backEnd, node);
  markTraced(node, backEnd.teller);
  using wire = new ServiceWire(node, check);
  const random = seeded(seed, 'services');
  const rules = new InstalledRules(backEnd, node, check.spoil ?? {});
  const judge = new Judge();
  let services = generatedServices(random, check.services);
  for (let round = 0; round < worlds; round++) {
    if (round > 0) services = changedServices(random, services);
    const world = worldOf(services, round);
    await setForwardPolicy(backEnd, node, world.isForwardingRefused ? 'DROP' : 'ACCEPT');
    await rules.become(world, services);
    const packets = packetsOf(seeded(seed, `packets ${round}`), world, check, round);
    await using trace = await rulesTrace(node, backEnd.teller);
    await judge.judge({ wire, trace, world }, packets);
  }
  return judge.report();
}

function packetsOf(random: Seeded, world: ServiceWorld, { packets, traced }: RulesCheck, round: number) {
  const firstNumber = 1 + ((round * packets) % (65_000 - packets));
  return generatedPackets(random, world, { count: packets, firstNumber, traced });
}

async function applyHostRules({ variant, serviceChains }: BackEnd, { namespace }: ServiceNode): Promise<void> {
  const installed = parseIptablesSave(await iptablesSave({ variant, namespace }));
  const text = planRestore(hostRules(NODE_NETWORK, { serviceChains }), installed);
  assert.ok(text !== undefined);
  await iptablesRestore(text, { variant, namespace, noflush: true });
}

/** As other software may set it on a node, Docker for one. */
async function setForwardPolicy({ variant }: BackEnd, { namespace }: ServiceNode, policy: 'ACCEPT' | 'DROP') {
  const text = `*filter\n:FORWARD ${policy} [0:0]\nCOMMIT\n`;
  await iptablesRestore(text, { variant, namespace, noflush: true });
}

/** The rules of services, brought from one world to the next by what the planner says. */
class InstalledRules {
  readonly #backEnd: BackEnd;
  readonly #namespace: string;
  readonly #spoil: Spoil;
  #node: ProxyNode | undefined;
  #planner: RulesPlanner | undefined;
  #table: ServiceTable | undefined;
  #services: ReadonlyMap<number, GeneratedService> = new Map();

  constructor(backEnd: BackEnd, { namespace }: ServiceNode, spoil: Spoil) {
    this.#backEnd = backEnd;
    this.#namespace = namespace;
    this.#spoil = spoil;
  }

  async become({ node }: ServiceWorld, services: ReadonlyMap<number, GeneratedService>): Promise<void> {
    const isNew = node !== this.#node;
    // What a node's rules depend on is given when its daemon starts: another one takes over what is there.
    if (this.#planner === undefined || isNew) this.#planner = this.#backEnd.plannerFor(node);
    this.#node = node;
    this.#table ??= new ServiceTable(node);
    this.#table.setNode(node);
    this.#tell(this.#table, services);
    const { port = (each) => each, text = (each) => each } = this.#spoil;
    const ports = new Map([...this.#table.ports()].map(([key, each]) => [key, port(each)]));
    if (isNew) this.#planner.observe(await this.#read());
    for (const piece of this.#planner.plan(ports)) {
      await this.#backEnd.apply(text(piece.text), this.#namespace);
      this.#planner.applied(piece);
    }
    if (this.#spoil.text !== undefined) return;
    assert.ok(this.#planner.observe(await this.#read()), 'what is installed is not what was planned');
    assert.deepEqual(this.#planner.plan(ports), []);
  }

  async #read(): Promise<string> {
    return await this.#backEnd.read(this.#namespace);
  }

  #tell(table: ServiceTable, services: ReadonlyMap<number, GeneratedService>): void {
    for (const [number, was] of this.#services) {
      const is = services.get(number);
      if (is === was) continue;
      const key = `${was.service.namespace}/${was.service.name}`;
      if (is?.service !== was.service) table.setService(key, undefined);
      for (const slice of was.slices) table.setSlice(`${slice.namespace}/${slice.name}`, undefined);
      for (const [portal] of was.portals) table.setPortal(portal, undefined);
    }
    for (const [number, is] of services) {
      if (is === this.#services.get(number)) continue;
      table.setService(`${is.service.namespace}/${is.service.name}`, is.service);
      for (const slice of is.slices) table.setSlice(`${slice.namespace}/${slice.name}`, slice);
      for (const [key, portal] of is.portals) table.setPortal(key, portal);
    }
    this.#services = services;
  }
}

/** Where packets are seen and told of. */
interface Scene {
  readonly wire: ServiceWire;
  readonly trace: RulesTrace;
  readonly world: ServiceWorld;
}

/** Compares what became of packets with what was promised. */
class Judge {
  readonly #memory = new AffinityMemory();
  readonly #mistakes: string[] = [];
  readonly #clauses = new Map<string, number>();
  #tracedRules = 0;

  async judge(scene: Scene, packets: readonly ServicePacket[]): Promise<void> {
    this.#memory.startWorld();
    const traced = packets.filter(({ isTraced }) => isTraced);
    for (let at = 0; at < traced.length; at += TRACED_AT_ONCE)
      await this.#judgeSome(scene, traced.slice(at, at + TRACED_AT_ONCE));
    await this.#judgeSome(
      scene,
      packets.filter(({ isTraced }) => !isTraced),
    );
  }

  async #judgeSome({ wire, trace, world }: Scene, packets: readonly ServicePacket[]): Promise<void> {
    const promises = new Map(packets.map((packet) => [packet, promiseTo(packet, world)]));
    const observations = await wire.observe(packets, (packet, outcome) =>
      isAmong(outcome, promises.get(packet)?.outcomes ?? []),
    );
    for (const observation of observations) {
      const promise = promises.get(observation.packet);
      assert.ok(promise);
      this.#clauses.set(promise.clause, (this.#clauses.get(promise.clause) ?? 0) + 1);
      this.#compare(observation, promise);
      if (observation.packet.isTraced) await this.#compareTrace(trace, observation, promise);
    }
  }

  report(): RulesReport {
    return { mistakes: this.#mistakes, clauses: this.#clauses, tracedRules: this.#tracedRules };
  }

  #compare({ packet, outcome, isAnswered }: Observation, { outcomes, clause, affinity }: PacketPromise): void {
    const client = `${affinity} ${packet.source}`;
    const promised = affinity === undefined ? outcomes : this.#memory.narrow(client, outcomes);
    if (!isAmong(outcome, promised)) {
      const isStray = isAmong(outcome, outcomes);
      this.#fault(packet, isStray ? `${clause}, affinity` : clause, promised, inWords(outcome));
    } else if (isAnswered === false) this.#fault(packet, clause, promised, `${inWords(outcome)}, and no answer back`);
    if (affinity !== undefined) this.#memory.note(client, outcome);
  }

  /** The kernel's own word is as good as promised, and it is what was seen. */
  async #compareTrace(
    trace: RulesTrace,
    { packet, outcome: seen }: Observation,
    { outcomes, clause }: PacketPromise,
  ): Promise<void> {
    const deadline = performance.now() + TOLD_WITHIN_MS;
    for (;;) {
      const way = trace.wayOf(packet.number);
      const told = way && outcomeOf(way);
      if (told !== undefined && isSame(told, seen, packet)) {
        this.#tracedRules += way?.rules.length ?? 0;
        return;
      }
      if (performance.now() > deadline) {
        const words = told === undefined ? 'nothing was told' : `the trace ends ${inWords(told)}`;
        this.#fault(
          packet,
          clause,
          outcomes,
          `${inWords(seen)}, but ${words}\n${way === undefined ? '' : wayInWords(way)}`,
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #fault(packet: ServicePacket, clause: string, promised: PacketPromise['outcomes'], seen: string): void {
    const { number, from, protocol, source, sourcePort, destination, port } = packet;
    const what = `packet ${number} from ${from}, ${protocol} ${source}:${sourcePort} → ${destination}:${port} (${clause})`;
    this.#mistakes.push(`${what}: promised ${promised.map(inWords).join(' or ')}, seen ${seen}`);
  }
}

/** A trace ends before a masquerade is seen; what the node itself refuses in place of an absent program is not its rules'. */
function isSame(told: ReturnType<typeof outcomeOf>, seen: Outcome, { source }: ServicePacket): boolean {
  if (told.kind !== 'to' || seen.kind !== 'to') return told.kind === seen.kind;
  const isThere = told.ip.equals(seen.ip) && told.port === seen.port;
  return isThere && (told.isMasqueraded === true || seen.source.equals(source));
}
