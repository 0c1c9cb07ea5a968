/**
 * The guards of a node's host rules and of its tunnel, one at a time: what each stops is dropped and counted, and gets
 * through once the guard is gone or the sender is legitimate. Then: that they come before the first flow, and come back.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { askNodeStatus } from '@tenet/agent/status';
import { deleteConntrack, PacketSocket } from '@tenet/host';
import { endDaemon, type Lab, openLab, startDaemonAgain } from '@tenet/lab';
import { ARTICLE_NODE, type DropClass, hostGuards } from '@tenet/pipeline';
import { buildFrame, Ip, Mac } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';
import { type LogSince, logSince } from './agent-log.ts';
import { fragmentsOf, isMarked } from './frames.ts';
import { countOf, HOW_MANY_GUARDS, missingGuards } from './guard-rules.ts';
import { fromOutside, GUARDED, type GuardCast, NODE_IP, type PlaceName, tunnelPacket } from './guarded-packets.ts';
import { holdDaemon } from './held-daemon.ts';
import { GATEWAY, HERE, OUTSIDE, PEER_IP, SERVICE } from './hostile-frames.ts';
import { type PrivateLab, privateLab } from './private-lab.ts';

const NODE = `node/${HERE}`;
const AGENT = `${HERE}/agent`;
const VXLAN_PORT = 4789;
/** What somebody broke is whole within this time. */
const BACK_MS = 2000;
const signal = AbortSignal.timeout(300_000 * PATIENCE);

let lab: PrivateLab;
let daemons: Lab;
let cast: GuardCast;

before(async () => {
  lab = await privateLab();
  daemons = openLab(lab.paths.state);
  const [link] = JSON.parse(await lab.inNetns(NODE, 'ip', '-j', 'link', 'show', 'eth0'));
  cast = {
    global: await lab.pod('logging/logging-es-1'),
    attacker: await lab.pod('beta/db'),
    victim: await lab.pod('alpha/web'),
    remoteVictim: await lab.pod('alpha/client'),
    nodeMac: Mac.parse(link.address),
  };
  // Whatever the administrator thinks of reverse paths, nothing may rest on it.
  for (const name of ['all', 'eth0', 'tun0'])
    await lab.inNetns(NODE, 'sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`);
});

after(async () => {
  await lab[Symbol.asyncDispose]();
});

/** Where a frame is sent, or where somebody listens. */
interface Place {
  readonly namespace: string;
  readonly link: string;
}

const places: Readonly<Record<PlaceName, () => Place>> = {
  underlay: () => ({ namespace: lab.paths.namespace('underlay'), link: 'underlay' }),
  attacker: () => ({ namespace: cast.attacker.netns, link: 'eth0' }),
  victim: () => ({ namespace: cast.victim.netns, link: 'eth0' }),
  remoteVictim: () => ({ namespace: cast.remoteVictim.netns, link: 'eth0' }),
  peer: () => ({ namespace: lab.netns('node/dt-node2'), link: 'eth0' }),
};

describe('tunnel packets on the underlay', () => {
  const NEW_NODE = { name: 'dt-node9', ip: Ip.parse('10.122.70.99'), subnet: '10.129.8.0/23' };
  const ITS_POD = Ip.parse('10.129.8.7');

  test('VXLAN from an address is counted as tunnel-unknown-peer until it is a node, and once it is none again', async () => {
    const frame = () => tunnelled({ from: NEW_NODE.ip, source: ITS_POD });
    await isDropped({ frames: [frame()], by: 'tunnel-unknown-peer' });
    await lab.kube.create('HostSubnet', {
      metadata: { name: NEW_NODE.name },
      host: NEW_NODE.name,
      hostIP: NEW_NODE.ip.toString(),
      subnet: NEW_NODE.subnet,
    });
    try {
      await arrives({ frames: () => [frame()], at: 'victim' });
      // A node speaks for its own pods, and the other for its own.
      await isDropped({
        frames: [tunnelled({ from: NEW_NODE.ip, source: cast.remoteVictim.ip })],
        by: 'tunnel-bad-inner',
      });
      await isDropped({ frames: [tunnelled({ from: PEER_IP, source: ITS_POD })], by: 'tunnel-bad-inner' });
    } finally {
      await lab.kube.delete('HostSubnet', { name: NEW_NODE.name });
    }
    await eventually(async () => ((await dropsAnother(frame(), 'tunnel-unknown-peer')) ? true : undefined), {
      what: 'a packet of the node that was, dropped',
    });
  });

  const INNER_SOURCES = [
    { name: 'the gateway', source: () => GATEWAY },
    { name: "one of this node's own pods", source: () => cast.attacker.ip },
    { name: 'a service', source: () => SERVICE },
  ];
  for (const { name, source } of INNER_SOURCES) {
    test(`the inner source of ${name} is counted as tunnel-bad-inner, beside a packet of the peer's that arrives`, async () => {
      await isDropped({ frames: [tunnelled({ from: PEER_IP, source: source() })], by: 'tunnel-bad-inner' });
      await arrives({ frames: () => [tunnelled({ from: PEER_IP, source: cast.remoteVictim.ip })], at: 'victim' });
    });
  }

  for (const { name, from, by } of [
    { name: 'an address that is no node', from: Ip.parse('10.122.70.99'), by: 'tunnel-unknown-peer' },
    { name: "the peer's address", from: PEER_IP, by: undefined },
  ] as const) {
    test(`VXLAN from ${name} in fragments ends in the node's own stack, which counts it; there the kernel's datapath alone listens`, async () => {
      const spec = tunnelPacket(cast, { from, source: cast.remoteVictim.ip });
      if (lab.datapath === 'system') {
        // What the stack has made of the fragments is what it would have been in one piece.
        if (by === undefined) await arrives({ frames: () => fragmentsOf(spec, 24), at: 'victim' });
        else await isDropped({ frames: fragmentsOf(spec, 24), by, counted: 1 });
        return;
      }
      const rule = { table: 'filter', chain: 'TENET-INPUT', rule: '-p udp -m udp --dport 4789 -j ACCEPT' };
      await using ears = listenAt('victim', 'remoteVictim');
      const before = await countOf(lab, NODE, rule);
      // The mark is in the second fragment, whole.
      send(places.underlay(), fragmentsOf(spec, 24));
      await eventually(async () => ((await countOf(lab, NODE, rule)) > before ? true : undefined), {
        what: 'a count of TENET-INPUT',
      });
      assert.deepEqual(ears.marked(), []);
      assert.equal(await lab.inNetns(NODE, 'ss', '-Hlun', `sport = :${VXLAN_PORT}`), '');
    });
  }
});

describe('each guard of the host alone, while the agent is held', () => {
  let held: Disposable;
  before(() => {
    held = holdDaemon(lab, AGENT);
  });
  after(() => held[Symbol.dispose]());

  for (const { name, guard, besides, from, frames, at, translated, blindForFragments = false } of GUARDED) {
    test(`${name} is dropped and counted by ${guard.chain}, and arrives without that rule`, async () => {
      await using undo = new AsyncDisposableStack();
      if (blindForFragments) {
        await setFragments('normal');
        undo.defer(() => setFragments('nx-match'));
      }
      if (translated !== undefined) {
        await iptables('nat', `-I PREROUTING ${translated(cast)}`);
        undo.defer(() => iptables('nat', `-D PREROUTING ${translated(cast)}`));
      }
      await iptables('raw', '-F TENET-PREROUTING');
      await iptables('filter', '-F TENET-GUARD');
      await iptables(guard.table, `-A ${guard.chain} ${guard.rule}`);
      await using ears = listenAt('victim', 'remoteVictim', at);
      send(places[from](), frames(cast));
      await eventually(async () => ((await countOf(lab, NODE, guard)) > 0 ? true : undefined), {
        what: `a packet counted by ${guard.rule}`,
      });
      assert.deepEqual(ears.marked(), []);

      await iptables(guard.table, `-F ${guard.chain}`);
      if (besides !== undefined) await iptables('filter', `-D ${besides}`);
      await arrives({ frames: () => frames(cast), from, at });
    });
  }
});

describe('all guards together', () => {
  test('a held agent that goes on puts back what was taken away', async () => {
    await eventually(async () => ((await missing()).length === 0 ? true : undefined), { what: 'all guards again' });
  });

  for (const { name, guard, from, frames, at, translated, blindForFragments } of GUARDED) {
    test(`${name} does not get through`, async () => {
      await using undo = new AsyncDisposableStack();
      if (translated !== undefined) {
        await iptables('nat', `-I PREROUTING ${translated(cast)}`);
        undo.defer(() => iptables('nat', `-D PREROUTING ${translated(cast)}`));
      }
      forgetConnections();
      await using ears = listenAt('victim', 'remoteVictim', at);
      // br0 looks into fragments again, so those go no further.
      const counted = async () =>
        blindForFragments ? ((await lab.drops(HERE)).get('forged-vxlan') ?? 0) : await countOf(lab, NODE, guard);
      const before = await counted();
      send(places[from](), frames(cast));
      await eventually(async () => ((await counted()) > before ? true : undefined), { what: 'a drop, counted' });
      assert.deepEqual(ears.marked(), []);
    });
  }

  test('the status of the node counts the drops of each guard by its name', async () => {
    // br0 drops a pod's tunnel packets to its node before that guard can; translated-tunnel.net.test.ts has the other.
    const names = hostGuards(ARTICLE_NODE.node).map(({ guard }) => guard);
    const expected = names.filter((guard) => guard !== 'pod-as-tunnel' && guard !== 'translated-tunnel');
    const socket = join(lab.paths.node(HERE).directory, 'status.sock');
    await eventually(
      async () => {
        const { guards } = await askNodeStatus(socket);
        const counted = guards.filter(({ packets }) => packets > 0).map(({ guard }) => guard);
        return expected.every((guard) => counted.includes(guard)) ? true : undefined;
      },
      { what: `drops counted by ${expected}`, deadlineMs: 20_000 },
    );
  });

  test('what outside sends to an address that this node translates to a pod gets through: it is no wall', async () => {
    const rule = `-d ${NODE_IP} -p udp --dport 30080 -j DNAT --to-destination ${cast.victim.ip}:9999`;
    await iptables('nat', `-I PREROUTING ${rule}`);
    try {
      const frame = () => fromOutside(cast, { source: OUTSIDE, destination: NODE_IP, port: 30_080 });
      await arrives({ frames: () => [frame()], at: 'victim' });
    } finally {
      await iptables('nat', `-D PREROUTING ${rule}`);
    }
  });
});

describe('guards that somebody takes away', () => {
  const MENDED = 'host rules reconciled';
  const MEDDLING = [
    'iptables -F TENET-GUARD',
    'iptables -D FORWARD -j TENET-GUARD',
    'iptables -I FORWARD -j ACCEPT',
    'iptables -t raw -F',
    'iptables -t filter -F',
    'iptables -t nat -F',
    'nft flush ruleset',
  ];
  for (const command of MEDDLING) {
    test(`come back within 2 s after ${command}`, async () => {
      let log = logSince(lab, AGENT);
      {
        // So that nobody mends what is looked at.
        using _held = holdDaemon(lab, AGENT);
        await lab.inNetns(NODE, 'sh', '-c', command);
        assert.notDeepEqual(await missing(), []);
      }
      const tookMs = [await back(performance.now(), log)];
      // And while it runs, right behind a look: the next one is furthest away.
      log = logSince(lab, AGENT);
      const startMs = performance.now();
      await lab.inNetns(NODE, 'sh', '-c', command);
      tookMs.push(await back(startMs, log));
      const said = `${tookMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after ${command}`;
      console.log(`# back ${said}`);
      assert.ok(Math.max(...tookMs) <= BACK_MS * PATIENCE, said);
    });
  }

  test('an agent that starts without rules and flows puts the guards in place before the first flow', async () => {
    await endDaemon(daemons, AGENT, { signal });
    await lab.inNetns(NODE, 'nft', 'flush', 'ruleset');
    await ofctl('del-flows');
    const log = logSince(lab, AGENT);
    const looks = [await look()];
    assert.deepEqual(looks, [{ podFlows: 0, missing: HOW_MANY_GUARDS }]);
    await startDaemonAgain(daemons, AGENT, signal);
    await eventually(
      async () => {
        looks.push(await look());
        const last = looks.at(-1);
        return last !== undefined && last.podFlows > 0 && last.missing === 0 ? true : undefined;
      },
      { what: 'flows and guards', deadlineMs: 30_000 },
    );
    assert.deepEqual(
      looks.filter(({ podFlows, missing: gone }) => podFlows > 0 && gone > 0),
      [],
    );
    const order = log
      .lines()
      .map(({ message }) => message)
      .filter((message) => message === MENDED || message === 'flows reconciled');
    assert.deepEqual(order.slice(0, 2), [MENDED, 'flows reconciled']);
    console.log(`# looked ${looks.length} times until there were flows`);
  });

  /** Flows first: guards that are not there afterwards were not there when the flows were. */
  async function look(): Promise<{ podFlows: number; missing: number }> {
    const podFlows = (await ofctl('dump-flows', 'cookie=0x0200000000000000/0xff00000000000000')).match(/actions=/g);
    return { podFlows: podFlows?.length ?? 0, missing: (await missing()).length };
  }

  /** How long it took since then until the agent had said that it mended something, and every guard was in force. */
  async function back(startMs: number, log: LogSince): Promise<number> {
    await eventually(
      async () =>
        log.lines().some(({ message }) => message === MENDED) && (await missing()).length === 0 ? true : undefined,
      { what: 'the guards are back' },
    );
    return performance.now() - startMs;
  }
});

/** Sends frames to the node on the underlay: br0 must count them as this class, and nobody see them. */
async function isDropped({
  frames,
  by,
  counted = frames.length,
}: {
  readonly frames: readonly Uint8Array[];
  readonly by: DropClass;
  readonly counted?: number;
}) {
  await using ears = listenAt('victim', 'remoteVictim');
  const before = (await lab.drops(HERE)).get(by) ?? 0;
  send(places.underlay(), frames);
  await eventually(async () => (((await lab.drops(HERE)).get(by) ?? 0) >= before + counted ? true : undefined), {
    what: `${counted} packets counted as ${by}`,
  });
  assert.deepEqual(ears.marked(), []);
}

/** Sends once; true when that was counted as this class before the victim saw it. */
async function dropsAnother(frame: Uint8Array, by: DropClass): Promise<boolean> {
  await using ears = listenAt('victim');
  const before = (await lab.drops(HERE)).get(by) ?? 0;
  send(places.underlay(), [frame]);
  return await eventually(
    async () => {
      if (ears.marked().length > 0) return false;
      return ((await lab.drops(HERE)).get(by) ?? 0) > before ? true : undefined;
    },
    { what: `a packet that arrives or is counted as ${by}` },
  );
}

/** Sends until a marked frame comes out there: the node has to learn of the way first. */
async function arrives({
  frames,
  from = 'underlay',
  at,
}: {
  readonly frames: () => readonly Uint8Array[];
  readonly from?: PlaceName;
  readonly at: PlaceName;
}): Promise<void> {
  await using ears = listenAt(at);
  let looks = 0;
  await eventually(
    () => {
      if (looks++ % 10 === 0) {
        // What was dropped may have left a connection that is no longer new.
        forgetConnections();
        send(places[from](), frames());
      }
      return ears.marked().length > 0 ? true : undefined;
    },
    { what: `the marked packet at ${at}` },
  );
}

function forgetConnections(): void {
  deleteConntrack({}, lab.netns(NODE));
}

function send(place: Place, frames: readonly Uint8Array[]): void {
  using socket = PacketSocket.open(place);
  for (const frame of frames) socket.send(frame);
}

/** Hears marked frames at all of these places. */
function listenAt(...names: readonly PlaceName[]) {
  const sockets = [...new Set(names)].map((name) => ({ name, socket: PacketSocket.open(places[name]()) }));
  return {
    /** The names of the places where marked frames came in since the last call. */
    marked: () =>
      sockets.flatMap(({ name, socket }) =>
        socket
          .received()
          .filter(isMarked)
          .map(() => name),
      ),
    async [Symbol.asyncDispose]() {
      for (const { socket } of sockets) socket[Symbol.dispose]();
    },
  };
}

const missing = () => missingGuards(lab, NODE);

function tunnelled(ends: Parameters<typeof tunnelPacket>[1]): Uint8Array {
  return buildFrame(tunnelPacket(cast, ends));
}

async function iptables(table: string, change: string): Promise<void> {
  await lab.inNetns(NODE, 'iptables', '-t', table, ...change.split(' '));
}

async function ofctl(verb: string, ...args: string[]): Promise<string> {
  const bridge = `unix:${lab.paths.node(HERE).ovs}/br0.mgmt`;
  return await lab.inNetns(NODE, 'ovs-ofctl', '-OOpenFlow14', verb, bridge, ...args);
}

async function setFragments(mode: 'normal' | 'nx-match'): Promise<void> {
  await ofctl('set-frags', mode);
}
