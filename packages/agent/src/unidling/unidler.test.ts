import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '@tenet/model';
import type { Portal, ProxiedEndpoint } from '@tenet/proxy';
import { Ip, SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { type ServiceVariant, serviceOf, serviceTable, sliceOf } from '../../testing/service.ts';
import type { HeldClient, PortalListener, PortalSockets } from './portal-socket.ts';
import { Unidler } from './unidler.ts';

const KEY = 'alpha/web:';
const GATEWAY = Ip.parse('10.131.2.1');
const IDLED: ServiceVariant = { idledAt: '2026-11-23T01:00:00Z' };

/** Portals in memory: who connects is given to the listener at once. */
class FakePortals implements PortalSockets {
  readonly opened: {
    readonly protocol: string;
    readonly port: number;
    isOpen: boolean;
    readonly listener: PortalListener;
  }[] = [];
  refuses = false;

  open(protocol: 'tcp' | 'udp', listener: PortalListener) {
    if (this.refuses) throw new Error('no file descriptor is left');
    const portal = { protocol, port: 40_000 + this.opened.length, isOpen: true, listener };
    this.opened.push(portal);
    return {
      port: portal.port,
      [Symbol.dispose]() {
        portal.isOpen = false;
      },
    };
  }

  /** The one that was opened last. */
  get last() {
    return this.opened.at(-1) ?? assert.fail('no portal was opened');
  }

  connect(address = '10.131.2.9') {
    const story: string[] = [];
    const client: HeldClient = {
      address,
      onGone() {},
      reset: () => void story.push('reset'),
      async joinTo({ ip }: ProxiedEndpoint) {
        story.push(`joined to ${ip}`);
        return true;
      },
    };
    this.last.listener.onClient(client);
    return story;
  }

  send({ isLed = true } = {}): void {
    this.last.listener.onDatagram(() => isLed);
  }
}

/** A node with one service, whose rules follow a look at once unless told otherwise. */
function node(variant: ServiceVariant = {}, there?: Service) {
  const table = serviceTable();
  const entries = new Map<string, Service>();
  if (there !== undefined) entries.set('alpha/web', there);
  table.setService('alpha/web', there);
  const listeners = new Set<(changed: ReadonlySet<string>) => void>();
  const portals = new FakePortals();
  const clock = new ManualClock();
  const told: string[] = [];
  const forgotten: Portal[] = [];
  const judged: string[] = [];
  let random = 0;
  const unidler = new Unidler({
    services: {
      entries,
      onChange(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    address: GATEWAY,
    sockets: portals,
    setPortal: (key, at) => table.setPortal(key, at),
    record: async (service, port) => void told.push(`${service.uid} ${port.portName || port.port} at ${clock.nowMs()}`),
    async mayJoin(ip, namespace) {
      judged.push(`${namespace} ${ip}`);
      return true;
    },
    forgetDatagrams: (portal) => void forgotten.push(portal),
    clock,
    random: () => random,
    log: SILENT,
  });
  const pass = () => {
    unidler.look(table.ports());
    unidler.installed(table.ports());
  };
  const setService = (value: Service | undefined) => {
    if (value === undefined) entries.delete('alpha/web');
    else entries.set('alpha/web', value);
    table.setService('alpha/web', value);
    for (const listener of listeners) listener(new Set(['alpha/web']));
  };
  return {
    ...{ table, unidler, portals, clock, told, forgotten, judged, pass, setService, listeners },
    portal: () => table.ports().get(KEY)?.portal,
    setRandom(value: number) {
      random = value;
    },
    become(next: ServiceVariant, endpoints?: readonly string[]) {
      setService(serviceOf({ ...variant, ...next }));
      if (endpoints !== undefined) table.setSlice('alpha/web-1', sliceOf(endpoints, variant));
      pass();
    },
  };
}

const NO_PORTAL: readonly { name: string; variant: ServiceVariant; endpoints: readonly string[] }[] = [
  { name: 'was not idled', variant: {}, endpoints: [] },
  { name: 'is marked but has an endpoint', variant: IDLED, endpoints: ['10.129.0.5'] },
  { name: 'is idled and of SCTP', variant: { ...IDLED, protocol: 'SCTP' }, endpoints: [] },
];
for (const { name, variant, endpoints } of NO_PORTAL)
  test(`look() opens no portal for a port that ${name}`, () => {
    const { become, portals, portal } = node(variant);
    become(variant, endpoints);
    assert.deepEqual([portals.opened, portal()], [[], undefined]);
  });

for (const protocol of ['TCP', 'UDP'] as const)
  test(`look() opens a portal at the gateway for ${protocol}, once, and gives the port that was given`, () => {
    const { become, pass, portals, portal } = node({ protocol });
    become(IDLED);
    pass();
    assert.deepEqual(portal(), { ip: GATEWAY, port: 40_000 });
    assert.deepEqual(
      portals.opened.map((each) => each.protocol),
      [protocol.toLowerCase()],
    );
  });

test('look() opens the portal of a service that loses its last endpoint after it was marked', () => {
  const { become, portal } = node();
  become(IDLED, ['10.129.0.5']);
  assert.equal(portal(), undefined);
  become(IDLED, []);
  assert.deepEqual(portal(), { ip: GATEWAY, port: 40_000 });
});

test('new Unidler() knows the services that were there before it', () => {
  const { pass, portal } = node({}, serviceOf(IDLED));
  pass();
  assert.deepEqual(portal(), { ip: GATEWAY, port: 40_000 });
});

test('look() throws when no portal can be opened, and opens it when it can', () => {
  const { portals, become, pass, portal } = node();
  portals.refuses = true;
  assert.throws(() => become(IDLED), /no file descriptor is left/);
  assert.equal(portal(), undefined);
  portals.refuses = false;
  pass();
  assert.notEqual(portal(), undefined);
});

test('the first client is told of, the others are not; the first endpoint gets them all, and new ones go by the rules', async () => {
  const { become, portals, portal, told, judged } = node();
  become(IDLED);
  const stories = [portals.connect(), portals.connect('10.131.2.8')];
  await settled();
  assert.deepEqual(told, ['uid-1 80 at 0']);
  assert.deepEqual(stories, [[], []]);
  become(IDLED, ['10.129.0.5']);
  assert.equal(portal(), undefined);
  await settled();
  assert.deepEqual(stories, [['joined to 10.129.0.5'], ['joined to 10.129.0.5']]);
  assert.deepEqual(judged, ['alpha 10.129.0.5']);
});

test('clients are held on while the mark is gone and no endpoint is there yet, and new ones too, for 120 s', async () => {
  const { become, pass, portals, portal, clock, told } = node();
  become(IDLED);
  const first = portals.connect();
  await clock.pass(1000);
  become({});
  assert.deepEqual(portal(), { ip: GATEWAY, port: 40_000 });
  const second = portals.connect();
  await clock.pass(119_000);
  pass();
  assert.deepEqual([first, second], [['reset'], []]);
  await clock.pass(1000);
  pass();
  assert.equal(portal(), undefined);
  assert.deepEqual(portals.connect(), ['reset'], 'it is refused, as every service without endpoints refuses');
  assert.deepEqual(told, ['uid-1 80 at 0'], 'nobody listens any more to who waits');
});

test('a client is reset after 120 s, and told of again at the next one', async () => {
  const { become, pass, portals, clock, told } = node();
  become(IDLED);
  const first = portals.connect();
  await clock.pass(119_999);
  pass();
  assert.deepEqual(first, []);
  await clock.pass(1);
  pass();
  assert.deepEqual(first, ['reset']);
  portals.connect();
  await settled();
  assert.deepEqual(told, ['uid-1 80 at 0', 'uid-1 80 at 120000']);
});

test('a service that is idled again is told of at its first client, through the portal that was still open', async () => {
  const { become, portals, portal, told, clock } = node();
  become(IDLED);
  portals.connect();
  await clock.pass(1000);
  become({}, ['10.129.0.5']);
  await clock.pass(10_000);
  become({ idledAt: '2026-11-23T02:00:00Z' }, []);
  assert.deepEqual(portal(), { ip: GATEWAY, port: 40_000 });
  const story = portals.connect();
  await settled();
  assert.deepEqual(told, ['uid-1 80 at 0', 'uid-1 80 at 11000']);
  assert.deepEqual(story, []);
  assert.equal(portals.opened.length, 1);
});

test('a service that is idled anew while clients are held is told of at once: who wakes it looks at the time', async () => {
  const { become, portals, told, clock } = node();
  become(IDLED);
  portals.connect();
  await clock.pass(5000);
  become({ idledAt: '2026-11-23T02:00:00Z' });
  await settled();
  assert.deepEqual(told, ['uid-1 80 at 0', 'uid-1 80 at 5000']);
});

test('clients of a service that is deleted, or replaced by another of its name, are reset', () => {
  const deleted = node();
  deleted.become(IDLED);
  const story = deleted.portals.connect();
  deleted.setService(undefined);
  deleted.pass();
  assert.deepEqual([story, deleted.portals.last.isOpen], [['reset'], false]);

  const replaced = node();
  replaced.become(IDLED);
  const other = replaced.portals.connect();
  replaced.become({ ...IDLED, uid: 'uid-2' });
  assert.deepEqual(other, ['reset']);
  assert.deepEqual(
    replaced.portals.opened.map(({ isOpen }) => isOpen),
    [false, true],
  );
  assert.equal(replaced.portal()?.port, 40_001);
});

test('a portal closes 120 s after the rules have left it, and not while they may not have', async () => {
  const { unidler, table, become, setService, pass, portals, clock } = node();
  become(IDLED);
  const before = table.ports();
  setService(serviceOf({}));
  table.setSlice('alpha/web-1', sliceOf(['10.129.0.5']));
  for (let second = 0; second < 300; second++) {
    unidler.look(table.ports());
    unidler.installed(before);
    await clock.pass(1000);
  }
  assert.equal(portals.last.isOpen, true, 'the rules could not be written');
  const late = portals.connect();
  await settled();
  assert.deepEqual(late, ['joined to 10.129.0.5']);
  pass();
  await clock.pass(119_999);
  pass();
  assert.equal(portals.last.isOpen, true);
  await clock.pass(1);
  pass();
  assert.equal(portals.last.isOpen, false);
});

test('with session affinity a client stays with its endpoint; without, each connection is on its own', async () => {
  for (const { hasAffinity, second } of [
    { hasAffinity: true, second: 'joined to 10.129.0.5' },
    { hasAffinity: false, second: 'joined to 10.129.0.6' },
  ]) {
    const alpha = node({ hasAffinity });
    alpha.become(IDLED);
    alpha.become(IDLED, ['10.129.0.5', '10.129.0.6']);
    const first = alpha.portals.connect();
    await settled();
    alpha.setRandom(0.99);
    const again = alpha.portals.connect();
    const other = alpha.portals.connect('10.131.2.8');
    await settled();
    assert.deepEqual([first, again, other], [['joined to 10.129.0.5'], [second], ['joined to 10.129.0.6']]);
  }
});

test('with internalTrafficPolicy Local nobody is joined to an endpoint of another node', async () => {
  const { become, portals, clock, pass } = node({ internalTrafficPolicy: 'Local' });
  become(IDLED);
  const story = portals.connect();
  become({}, ['10.129.0.5']);
  await clock.pass(119_999);
  pass();
  assert.deepEqual(story, []);
  await clock.pass(1);
  pass();
  assert.deepEqual(story, ['reset']);
});

test('clients are taken in who asked for an address of the service, and no others', () => {
  const { become, portals } = node({ isPublished: true });
  become(IDLED);
  const isServedAt = (address: string, port: number) => portals.last.listener.isServedAt(Ip.parse(address), port);
  // biome-ignore format: an address a line, with why it is refused
  const ADDRESSES: readonly (readonly [address: string, port: number, isServed: boolean])[] = [
    ['172.30.0.11', 80, false], // another service, of which the portal was made an endpoint
    ['172.30.0.10', 81, false],
    ['192.0.2.9', 8080, false],
    [GATEWAY.toString(), 40_000, false], // the portal itself
    ['172.30.0.10', 80, true],
    ['192.0.2.9', 80, true],
    ['10.122.70.72', 30_080, true],
  ];
  for (const [address, port, isServed] of ADDRESSES)
    assert.equal(isServedAt(address, port), isServed, `${address}:${port}`);
});

test('of datagrams one is told of in 120 s; one that no rule led here is not', async () => {
  const { become, portals, told, clock } = node({ protocol: 'UDP' });
  become(IDLED);
  portals.send({ isLed: false });
  await clock.pass(1000);
  portals.send();
  portals.send();
  await clock.pass(119_000);
  portals.send();
  await clock.pass(1000);
  portals.send();
  await settled();
  assert.deepEqual(told, ['uid-1 80 at 1000', 'uid-1 80 at 121000']);
});

test('where datagrams go is forgotten when one still comes after the rules have left', async () => {
  const { become, portals, pass, forgotten, unidler, table } = node({ protocol: 'UDP' });
  become(IDLED);
  portals.send();
  table.setSlice('alpha/web-1', sliceOf(['10.129.0.5'], { protocol: 'UDP' }));
  unidler.look(table.ports());
  portals.send();
  unidler.look(table.ports());
  assert.deepEqual(forgotten, [], 'the rules still lead here');
  unidler.installed(table.ports());
  pass();
  assert.deepEqual(forgotten, [], 'none has come since');
  portals.send();
  pass();
  pass();
  assert.deepEqual(forgotten, [{ ip: GATEWAY, port: 40_000 }]);
});

test('dispose() closes all portals and resets who waits', () => {
  const { become, portals, unidler, portal, listeners } = node();
  become(IDLED);
  const story = portals.connect();
  unidler[Symbol.dispose]();
  assert.deepEqual([story, portals.last.isOpen, portal()], [['reset'], false, undefined]);
  assert.equal(listeners.size, 0);
});
