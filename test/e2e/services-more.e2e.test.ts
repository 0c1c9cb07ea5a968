/**
 * What else comes along a service's way: fragments, ICMP errors, a pod that meets itself, nobody who serves, answers that
 * take long, SCTP, and endpoints that were written by hand to get where one may not.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { PacketSocket, ProbeSocket } from '@tenet/host';
import { type Outcome, probeTcp, probeUdp } from '@tenet/lab';
import { Ip, parseFrame } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { type LogSince, logSince } from './agent-log.ts';
import { isRefused } from './ask-cells.ts';
import { BACK_ENDS, useBackEnd } from './back-end.ts';
import { beginAssociation } from './begin-association.ts';
import { type Conversation, errorOf, openConversation } from './conversation.ts';
import { isMarked, udpFrame, vxlanPayload } from './frames.ts';
import { guardDropsOf } from './guard-rules.ts';
import { CROSSINGS, type Crossing, type CrossingCast, type Stopper } from './hand-made-endpoints.ts';
import { forgetWays, narrowWay, UNREACHABLE, unreachableIn } from './icmp-errors.ts';
import { type EndpointWish, type MadeService, makeService } from './make-service.ts';
import { type LabPod, type PrivateLab, privateLab } from './private-lab.ts';
import { associate } from './real-association.ts';

const HERE = { name: 'dt-infra1', ip: Ip.parse('10.122.70.72'), gateway: Ip.parse('10.131.2.1') };
const THERE = { name: 'dt-node2', ip: Ip.parse('10.122.70.73'), gateway: Ip.parse('10.130.0.1') };
const REPLY_MS = 3000 * PATIENCE;
const SILENCE_MS = 400;
/** Three fragments, on links of 1450 bytes. */
const LONG_BYTES = 3000;
const LONG_FRAGMENTS = 3;
const NO_ENDPOINT_MS = 200 * PATIENCE;
/**
 * A kernel that refuses its own SYN while it sends it does not hear itself: only the next one is refused (RFC 6298 §2.1).
 * So it is for all places of a lab that one kernel carries from end to end.
 */
const SYN_AGAIN_MS = 1000;
const LATE_ANSWER_MS = 45_000;
/** Below the links' own. */
const NARROW_BYTES = 1300;
const CROSSING_PORT = 99;
/** Nobody listens on these in an answerer's pod. */
const [CLOSED_PORT, TALK_PORT, SCTP_PORT] = [9099, 9101, 9132];
const PORTS = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'echo', protocol: 'UDP', port: 81, targetPort: 8081 },
  { name: 'closed', protocol: 'UDP', port: 82, targetPort: CLOSED_PORT },
  { name: 'talk', protocol: 'UDP', port: 83, targetPort: TALK_PORT },
  { name: 'sctp', protocol: 'SCTP', port: 84, targetPort: SCTP_PORT },
];

let lab: PrivateLab;
const made = new AsyncDisposableStack();
/** alpha's, on either node, behind a service each. */
let web: LabPod;
let web2: LabPod;
let client: LabPod;
let foreigner: LabPod;
let crossing: CrossingCast;
let ofWeb: MadeService;
let ofWeb2: MadeService;
let ofNone: MadeService;
let ofCrossing: ReadonlyMap<string, MadeService>;
/** Of each node's agent. */
let logs: readonly LogSince[];
/** Ends when an answer that takes long has come, or has not. */
let late: Promise<unknown>;

before(async () => {
  lab = made.use(await privateLab({ proxy: BACK_ENDS[0] }));
  [web, web2, client, foreigner] = await Promise.all([
    lab.pod('alpha/web'),
    lab.pod('alpha/web-2'),
    lab.pod('alpha/client'),
    lab.pod('beta/client'),
  ]);
  const foreignService = await lab.kube.get('Service', { namespace: 'beta', name: 'db' });
  crossing = {
    client: web,
    victim: await lab.pod('beta/db'),
    remoteVictim: foreigner,
    foreignService: Ip.parse(foreignService?.spec.clusterIP ?? ''),
  };
  logs = [HERE, THERE].map(({ name }) => logSince(lab, `${name}/agent`));
  const published = { type: 'NodePort', ports: PORTS };
  const make = async (name: string, endpoints: readonly EndpointWish[], spec: object = published) =>
    made.use(await makeService(lab, { name: `alpha/${name}`, spec, endpoints }));
  // Before the others: who knows those knows these.
  ofCrossing = new Map(
    await Promise.all(
      CROSSINGS.map(async ({ name, endpoint, protocol, targetPort }, number) => {
        const ip = typeof endpoint === 'string' ? Ip.parse(endpoint) : endpoint(crossing);
        const spec = { ports: [{ port: CROSSING_PORT, protocol, targetPort }] };
        return [name, await make(`crossing-${number}`, [{ ip }], spec)] as const;
      }),
    ),
  );
  [ofWeb, ofWeb2, ofNone] = await Promise.all([
    make('of-web', [at(web)]),
    make('of-web2', [at(web2)]),
    make('of-none', [], { ...published, externalIPs: ['10.122.70.103'] }),
  ]);
  await forwarded();
  late = answeredLate();
  // Whoever waits for it is told; until then it is nobody's.
  late.catch(() => {});
});

after(async () => {
  await made.disposeAsync();
});

for (const mode of BACK_ENDS) {
  describe(`with ${mode}`, () => {
    before(async () => {
      await useBackEnd(lab, mode);
      await forwarded();
    });

    for (const [where, service] of [
      ['the same node', () => ofWeb2],
      ['the other node', () => ofWeb],
    ] as const) {
      test(`${LONG_BYTES} bytes of UDP and as many back pass in fragments, to an endpoint on ${where}`, async () => {
        const outcome = await probeUdp({ ...from(client), to: service().clusterIp, port: 81, size: LONG_BYTES });
        assertAnswered(outcome, client.ip);
      });

      test(`a closed port of an endpoint on ${where} is told as from the service`, async () => {
        using ears = PacketSocket.open({ namespace: client.netns, link: 'eth0' });
        const to = service().clusterIp;
        const outcome = await probeUdp({ ...from(client), to, port: 82 });
        assert.equal(outcome.outcome, 'refused');
        const [error] = ears.received().flatMap((frame) => unreachableIn(frame) ?? []);
        assert.deepEqual(error, { code: UNREACHABLE.port, source: `${to}`, about: `${client.ip} → ${to}` });
      });

      test(`a client's closed port is told to the endpoint on ${where}`, async () => {
        using talk = converse(service(), where === 'the same node' ? web2 : web);
        await talk.ask('are you there?');
        talk.client[Symbol.dispose]();
        talk.server.send(Buffer.from('yes'));
        assert.equal(await errorOf(talk.server, 'the endpoint is told'), 'ECONNREFUSED');
      });

      test(`an endpoint on ${where} behind a narrow link: the client is told by how much, and gets through`, async () => {
        await using _narrow = await narrowWay(lab, THERE.name, where === 'the same node' ? web2 : web, NARROW_BYTES);
        using ears = PacketSocket.open({ namespace: client.netns, link: 'eth0' });
        const to = service().clusterIp;
        const target = { ...from(client), to, port: 81, size: NARROW_BYTES };
        assert.deepEqual(await probeUdp({ ...target, dontFragment: true }), { outcome: 'too-big' });
        const [error] = ears.received().flatMap((frame) => unreachableIn(frame) ?? []);
        const { code, about } = error ?? {};
        assert.deepEqual({ code, about }, { code: UNREACHABLE.fragmentationNeeded, about: `${client.ip} → ${to}` });
        assertAnswered(await probeUdp(target), client.ip);
        await forgetWays(lab, client);
      });
    }

    test('long datagrams from outside pass by a node port, in fragments', async () => {
      const outside = { namespace: lab.netns('outside'), timeoutMs: REPLY_MS };
      const outcome = await probeUdp({ ...outside, to: THERE.ip, port: ofWeb.nodePort('echo'), size: LONG_BYTES });
      assertAnswered(outcome, THERE.gateway);
    });

    test('each fragment to a service of another project is dropped, and counted as foreign-service', async () => {
      const send = () =>
        probeUdp({ ...from(foreigner), to: ofWeb.clusterIp, port: 81, size: LONG_BYTES, timeoutMs: SILENCE_MS });
      await assertCounted({ class: 'foreign-service', on: THERE.name }, { send, packets: LONG_FRAGMENTS });
    });

    for (const [what, size] of [
      ['one packet', 64],
      ['fragments', LONG_BYTES],
    ] as const) {
      test(`a pod meets itself through its service in ${what}, which it sees as the gateway`, async () => {
        assertAnswered(await probeUdp({ ...from(web), to: ofWeb.clusterIp, port: 81, size }), HERE.gateway);
        assertAnswered(await probeTcp({ ...from(web), to: ofWeb.clusterIp, port: 80 }), HERE.gateway);
        assertAnswered(await probeTcp({ ...from(web), to: HERE.ip, port: ofWeb.nodePort('http') }), HERE.gateway);
      });
    }

    const NOBODY = [
      ['a pod', 'pod/alpha/client', () => ofNone.clusterIp, 'port'],
      ['a node', 'node/dt-infra1', () => ofNone.clusterIp, 'port'],
      ['a pod at a node port', 'pod/beta/client', () => THERE.ip, 'nodePort'],
      ["a pod at the other node's", 'pod/alpha/client', () => HERE.ip, 'nodePort'],
      ['outside', 'outside', () => HERE.ip, 'nodePort'],
      ['outside at an external IP', 'outside', () => Ip.parse('10.122.70.103'), 'port'],
    ] as const;
    for (const [who, place, to, by] of NOBODY) {
      test(`where nobody serves ${who} is refused at once`, async () => {
        const port = (name: string, number: number) => (by === 'port' ? number : ofNone.nodePort(name));
        const target = { namespace: lab.netns(place), to: to(), timeoutMs: REPLY_MS };
        const kind = place.startsWith('node/') ? 'node' : 'pod';
        for (const [send, mostMs] of [
          [
            () => probeTcp({ ...target, port: port('http', 80) }),
            NO_ENDPOINT_MS + (kind === 'node' || lab.datapath === 'system' ? SYN_AGAIN_MS : 0),
          ],
          [() => probeUdp({ ...target, port: port('echo', 81) }), NO_ENDPOINT_MS],
        ] as const) {
          const startMs = performance.now();
          const outcome = await send();
          assert.ok(isRefused(outcome, { kind }), JSON.stringify(outcome));
          const tookMs = performance.now() - startMs;
          assert.ok(tookMs < mostMs, `${tookMs.toFixed(0)} ms`);
        }
      });
    }

    test('SCTP: an association with an endpoint on either node', async () => {
      for (const [service, server] of [
        [ofWeb, web],
        [ofWeb2, web2],
      ] as const) {
        const ends = { client, service: { ip: service.clusterIp, port: 84 }, server, serverPort: SCTP_PORT };
        // Where the kernel has no SCTP: the first two packets, written by hand.
        if (lab.datapath === 'system') await associate(ends);
        else await beginAssociation({ ...ends, gateway: THERE.gateway, clientPort: ++lastPort });
      }
    });

    for (const { name, protocol, stopped } of CROSSINGS) {
      test(`an endpoint written by hand at ${name} leads nowhere`, async () => {
        const service = ofCrossing.get(name);
        assert.ok(service !== undefined);
        if ('told' in stopped) return isTold(service, stopped.told);
        if ('logged' in stopped) return isLogged(service, { protocol, reason: stopped.logged });
        using ears = PacketSocket.open({ namespace: crossing.victim.netns, link: 'eth0' });
        using remoteEars = PacketSocket.open({ namespace: crossing.remoteVictim.netns, link: 'eth0' });
        const target = { namespace: web.netns, to: service.clusterIp, port: CROSSING_PORT, timeoutMs: SILENCE_MS };
        const send = () => (protocol === 'UDP' ? tunnelInVain(service) : probeTcp(target));
        await assertCounted(stopped, { send, packets: 1 });
        const leaked = [...ears.received(), ...remoteEars.received()].filter(
          (frame) => isMarked(frame) || isFrom(frame, web.ip),
        );
        assert.deepEqual(leaked, []);
      });
    }
  });
}

test(`a datagram that is answered after ${LATE_ANSWER_MS / 1000} s gets its answer, whatever became of the rules`, async () => {
  await late;
});

function at({ ip, node }: LabPod): EndpointWish {
  return { ip, node };
}

function from({ netns }: LabPod) {
  return { namespace: netns, timeoutMs: REPLY_MS };
}

function assertAnswered(outcome: Outcome, client: Ip): void {
  assert.ok(outcome.outcome === 'answered', JSON.stringify(outcome));
  assert.equal(outcome.answer.client, client.toString());
}

/** Both nodes know the services. */
async function forwarded(): Promise<void> {
  for (const { name } of [HERE, THERE])
    for (const service of [ofWeb, ofWeb2, ofNone])
      await eventually(
        async () => {
          const target = { namespace: lab.netns(`node/${name}`), to: service.clusterIp, timeoutMs: REPLY_MS };
          const { outcome } = await probeTcp({ ...target, port: 80 });
          return outcome === (service === ofNone ? 'refused' : 'answered') ? true : undefined;
        },
        { what: `${service.name} on ${name}` },
      );
}

let lastPort = 40_000;

function converse(service: MadeService, server: LabPod): Conversation {
  const port = ++lastPort;
  return openConversation({
    client: { netns: client.netns, ip: client.ip, port },
    to: { ip: service.clusterIp, port: 83 },
    server: { netns: server.netns, port: TALK_PORT },
  });
}

/** One question, one answer: the first packet that ever comes back. */
async function answeredLate(): Promise<void> {
  const startMs = performance.now();
  using near = converse(ofWeb2, web2);
  using far = converse(ofWeb, web);
  const talks = [near, far];
  for (const talk of talks) await talk.ask('what is it?');
  await pause(LATE_ANSWER_MS - (performance.now() - startMs));
  for (const talk of talks) await talk.answer('forty-five');
}

interface Stopped {
  readonly send: () => Promise<Outcome>;
  /** No more and no fewer. */
  readonly packets: number;
}

/** Sends something that nobody answers, and finds all of its packets counted; flows are credited one by one. */
async function assertCounted(
  by: Exclude<Stopper, { told: string } | { logged: string }>,
  { send, packets }: Stopped,
): Promise<void> {
  const counted = async () => {
    if ('class' in by) return (await lab.drops(by.on)).get(by.class) ?? 0;
    return (await guardDropsOf(lab, by.on)).get(by.guard) ?? 0;
  };
  const before = await counted();
  assert.deepEqual(await send(), { outcome: 'timeout' });
  const what = `${packets} packets in ${JSON.stringify(by)}`;
  const seen = await eventually(
    async () => {
      const since = (await counted()) - before;
      return since >= packets ? since : undefined;
    },
    { what },
  );
  assert.equal(seen, packets, what);
}

/** Where an endpoint leads that nobody has: its service refuses, and the owner is told why. */
async function isTold(service: MadeService, told: string): Promise<void> {
  const target = { ...from(crossing.client), to: service.clusterIp, port: CROSSING_PORT };
  assert.deepEqual(await probeTcp(target), { outcome: 'refused' });
  await eventually(
    async () => {
      const { items } = await lab.kube.list('Event', { namespace: 'alpha' });
      const ofService = items.filter(({ involvedObject }) => `alpha/${involvedObject.name}` === service.name);
      return ofService.find(({ message }) => message.includes(told));
    },
    { what: `an Event that says ${told}` },
  );
}

/** The same where nobody vouches for the endpoint. */
async function isLogged(
  { name, clusterIp }: MadeService,
  { protocol, reason }: Pick<Crossing, 'protocol'> & { readonly reason: string },
): Promise<void> {
  const target = { ...from(crossing.client), to: clusterIp, port: CROSSING_PORT };
  assert.deepEqual(await (protocol === 'TCP' ? probeTcp(target) : probeUdp(target)), { outcome: 'refused' });
  for (const log of logs)
    await eventually(() => log.lines().find((line) => line.service === name && line.reason === reason), {
      what: `the log of each node says that of ${name} ${reason}`,
    });
}

/** Sends to a service what would reach beta's pod on the other node, could it get out of a tunnel there. */
async function tunnelInVain(service: MadeService): Promise<Outcome> {
  const { client: sender, victim, remoteVictim } = crossing;
  const ends = { from: victim.mac, to: remoteVictim.mac, source: victim.ip, destination: remoteVictim.ip };
  const socket = ProbeSocket.open({
    protocol: 'udp',
    namespace: sender.netns,
    to: service.clusterIp,
    port: CROSSING_PORT,
  });
  assert.ok(socket instanceof ProbeSocket);
  using open = socket;
  open.send(vxlanPayload(victim.vnid, udpFrame(ends)));
  await pause(SILENCE_MS);
  const came = open.receive();
  assert.equal(came.kind, 'nothing', JSON.stringify(came));
  return { outcome: 'timeout' };
}

/** True for an IPv4 packet that says it is from there. */
function isFrom(frame: Uint8Array, source: Ip): boolean {
  const { network } = parseFrame(frame);
  return network.kind === 'ipv4' && network.header.source.equals(source);
}
