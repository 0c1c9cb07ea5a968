import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NetNamespace, parseEndpointSlice, parseService, vnidOf } from '@tenet/model';
import { Prefix, SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { VouchedEndpoints } from './vouched-endpoints.ts';

const POD = '10.128.0.5';
const OUTSIDE = '192.0.2.9';
const VNIDS = { alpha: 7, friend: 7, beta: 8, gamma: 9, default: 0 };
const CONTROLLER = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' };
const MIRROR = { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' };
const BY_HAND = {};

interface Setting {
  /** Whose pods have the address. */
  readonly projects?: readonly string[];
  readonly isAway?: boolean;
}

function setUp({ projects = [], isAway = false }: Setting = {}) {
  const state = { projects, isAway, vnids: { ...VNIDS } as Record<string, number> };
  const clock = new ManualClock();
  const listeners = new Set<(changed: ReadonlySet<string>) => void>();
  const asked: string[] = [];
  const again: string[] = [];
  const told: string[] = [];
  const say =
    (phrase: string) =>
    (_: string, { service, ip, reason }: { service?: unknown; ip?: unknown; reason?: unknown } = {}) =>
      void (ip !== undefined && told.push([phrase, service, ip, reason].filter(Boolean).join(' ')));
  const vouched = new VouchedEndpoints({
    clusterNetworks: [Prefix.parse('10.128.0.0/14')],
    netNamespaces: {
      get: (name): NetNamespace | undefined => {
        const vnid = state.vnids[name];
        return vnid === undefined ? undefined : { name, vnid: vnidOf(vnid), multicast: false };
      },
      onChange: (listener) => {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    projectsAt: async (ip) => {
      asked.push(ip.toString());
      if (state.isAway) throw new Error('connection refused');
      return state.projects;
    },
    onChange: (slices) => again.push(...slices),
    log: { ...SILENT, warn: say('not used:'), info: say('used:') },
    clock,
    signal: new AbortController().signal,
  });
  const project = (name: string, vnid: number) => {
    state.vnids[name] = vnid;
    for (const listener of listeners) listener(new Set([name]));
  };
  return { vouched, state, clock, asked, again, told, project, listeners };
}

function service({ namespace = 'alpha', hasSelector = false } = {}) {
  return parseService({
    metadata: { namespace, name: 'web' },
    spec: { clusterIP: '172.30.0.1', ports: [{ port: 80 }], ...(hasSelector && { selector: { app: 'web' } }) },
  });
}

function slice(labels: Readonly<Record<string, string>> = BY_HAND, { namespace = 'alpha', ips = [POD] } = {}) {
  return parseEndpointSlice({
    metadata: { namespace, name: 'web-1', labels: { 'kubernetes.io/service-name': 'web', ...labels } },
    addressType: 'IPv4',
    endpoints: ips.map((ip) => ({ addresses: [ip] })),
    ports: [{ port: 8080 }],
  });
}

type Vetted = Parameters<VouchedEndpoints['vet']>[1];

/** The addresses that may be used. */
function vet({ vouched }: Pick<ReturnType<typeof setUp>, 'vouched'>, vetted: Partial<Vetted> = {}): string[] {
  return vouched
    .vet('alpha/web-1', { slice: slice(), service: service(), ...vetted })
    .endpoints.map(({ ip }) => `${ip}`);
}

const SELECTING = service({ hasSelector: true });

// biome-ignore format: one row per line
const DOUBTED: readonly [what: string, vetted: Partial<Vetted>, setting: Setting, isUsed: boolean][] = [
  ['a pod of another project',                                      {}, { projects: ['beta'] }, false],
  ['no pod',                                                        {}, {}, false],
  ['a pod, while the API server does not answer',                   {}, { projects: ['alpha'], isAway: true }, false],
  ['two pods, one of another project',                              {}, { projects: ['alpha', 'beta'] }, false],
  ['a pod of a project without VNID',                               {}, { projects: ['late'] }, false],
  ['a pod of a project that has no VNID, nor has the service’s',    { slice: slice(BY_HAND, { namespace: 'late' }), service: service({ namespace: 'late' }) }, { projects: ['late'] }, false],
  ['another’s pod, in the controller’s name without selector',      { slice: slice(CONTROLLER) }, { projects: ['beta'] }, false],
  ['another’s pod, of a service with selector by hand',             { service: SELECTING }, { projects: ['beta'] }, false],
  ['another’s pod, mirrored from Endpoints',                        { slice: slice(MIRROR), service: SELECTING }, { projects: ['beta'] }, false],
  ['a pod of the project',                                          {}, { projects: ['alpha'] }, true],
  ['a pod of a project that is joined with it',                     {}, { projects: ['friend'] }, true],
  ['a pod of a global project',                                     {}, { projects: ['default'] }, true],
  ['a pod of the project, in the controller’s name',                { slice: slice(CONTROLLER) }, { projects: ['alpha'] }, true],
];

describe('VouchedEndpoints.vet() leaves out what nobody has vouched for yet, and after the answer', () => {
  for (const [what, vetted, setting, isUsed] of DOUBTED)
    test(`${isUsed ? 'takes' : 'still leaves out'} ${what}`, async () => {
      const made = setUp(setting);
      assert.deepEqual(vet(made, vetted), []);
      await settled();
      assert.deepEqual(vet(made, vetted), isUsed ? [POD] : []);
      assert.deepEqual(made.asked, [POD]);
    });
});

// biome-ignore format: one row per line
const PLAIN: readonly [what: string, vetted: Partial<Vetted>, isUsed: boolean][] = [
  ['leaves out all where there is no such service',   { service: undefined }, false],
  ['leaves out the controller’s there too',           { slice: slice(CONTROLLER), service: undefined }, false],
  ['takes the controller’s own',                      { slice: slice(CONTROLLER), service: SELECTING }, true],
  ['takes all of a global project’s service',         { slice: slice(BY_HAND, { namespace: 'default' }), service: service({ namespace: 'default' }) }, true],
  ['takes hosts outside of the cluster',              { slice: slice(BY_HAND, { ips: [OUTSIDE] }) }, true],
];

describe('VouchedEndpoints.vet() asks nobody, and at once', () => {
  for (const [what, vetted, isUsed] of PLAIN)
    test(what, async () => {
      const made = setUp({ projects: ['beta'] });
      const given = vetted.slice ?? slice();
      const wanted = given.endpoints.map(({ ip }) => `${ip}`);
      assert.deepEqual(vet(made, { ...vetted, slice: given }), isUsed ? wanted : []);
      await made.clock.pass(60_000);
      assert.deepEqual([made.asked, made.told], [[], []]);
      if (isUsed) assert.equal(made.vouched.vet('alpha/web-1', { service: service(), ...vetted, slice: given }), given);
    });
});

describe('VouchedEndpoints', () => {
  test('leaves out of a slice only what is refused', async () => {
    const made = setUp({ projects: ['beta'] });
    assert.deepEqual(vet(made, { slice: slice(BY_HAND, { ips: [OUTSIDE, POD] }) }), [OUTSIDE]);
  });

  test('goes by the answer of before while the server is away, and by the next one as soon as it is there', async () => {
    const made = setUp({ projects: ['alpha'] });
    vet(made);
    await settled();
    made.state.isAway = true;
    await made.clock.pass(60_000);
    assert.deepEqual(vet(made), [POD]);
    made.again.length = 0;
    Object.assign(made.state, { isAway: false, projects: ['beta'] });
    await made.clock.pass(11_000);
    assert.deepEqual([made.again, vet(made)], [['alpha/web-1'], []]);
  });

  test('has slices vetted again when projects are joined and isolated, and asks nobody for that', async () => {
    const made = setUp({ projects: ['beta'] });
    vet(made);
    await settled();
    assert.deepEqual(vet(made), []);
    for (const [vnid, used] of [
      [7, [POD]],
      [8, []],
      [0, [POD]],
      [8, []],
    ] as const) {
      made.again.length = 0;
      made.project('beta', vnid);
      assert.deepEqual([made.again, vet(made)], [['alpha/web-1'], used]);
    }
    assert.deepEqual(made.asked, [POD]);
  });

  test('asks once the service’s own project is global no more', async () => {
    const made = setUp({ projects: ['beta'] });
    made.project('alpha', 0);
    assert.deepEqual(vet(made), [POD]);
    made.project('alpha', 7);
    assert.deepEqual([made.again, vet(made)], [['alpha/web-1'], []]);
    assert.deepEqual(made.asked, [POD]);
  });

  test('asks of the controller’s slice once its service has lost the selector', async () => {
    const made = setUp({ projects: ['beta'] });
    assert.deepEqual(vet(made, { slice: slice(CONTROLLER), service: SELECTING }), [POD]);
    assert.deepEqual(vet(made, { slice: slice(CONTROLLER), service: service() }), []);
    await settled();
    assert.deepEqual(vet(made, { slice: slice(CONTROLLER), service: service() }), []);
  });

  test('says that an endpoint is refused once, and when it is so for another reason, and when it is used', async () => {
    const made = setUp({ projects: ['beta'] });
    vet(made);
    await settled();
    for (let times = 0; times < 3; times += 1) vet(made);
    made.state.projects = ['gamma'];
    await made.clock.pass(11_000);
    vet(made);
    made.project('gamma', 7);
    vet(made);
    vet(made);
    assert.deepEqual(made.told, [
      `not used: alpha/web ${POD} its address is that of a pod of beta`,
      `not used: alpha/web ${POD} its address is that of a pod of gamma`,
      `used: alpha/web ${POD}`,
    ]);
  });

  test('says nothing of an endpoint that is used from the first answer on', async () => {
    const made = setUp({ projects: ['alpha'] });
    vet(made);
    await settled();
    vet(made);
    assert.deepEqual(made.told, []);
  });

  test('asks nothing more about a slice that has gone, and hears of no project when disposed', async () => {
    const made = setUp({ projects: ['beta'] });
    vet(made);
    await settled();
    made.vouched.forget('alpha/web-1');
    made.again.length = 0;
    made.project('beta', 7);
    await made.clock.pass(60_000);
    assert.deepEqual([made.again, made.asked], [[], [POD]]);
    made.vouched[Symbol.dispose]();
    assert.equal(made.listeners.size, 0);
  });
});
