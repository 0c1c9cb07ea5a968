import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxiedEndpoint } from '@tenet/proxy';
import { Ip } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { HeldClients } from './held-clients.ts';
import type { HeldClient } from './portal-socket.ts';

const [A, B] = ['10.131.2.5', '10.131.2.6'].map((ip) => ({ ip: Ip.parse(ip), port: 8080 })) as [
  ProxiedEndpoint,
  ProxiedEndpoint,
];

/** A client that writes down what becomes of it. */
class Client implements HeldClient {
  readonly address = '10.131.2.9';
  readonly story: string[] = [];
  readonly #clock: ManualClock;
  readonly #takes: (endpoint: ProxiedEndpoint) => boolean;
  leave = (): void => {};

  constructor(clock: ManualClock, takes: (endpoint: ProxiedEndpoint) => boolean = () => true) {
    this.#clock = clock;
    this.#takes = takes;
  }

  onGone(listener: () => void): void {
    this.leave = listener;
  }

  reset(): void {
    this.story.push(`reset at ${this.#clock.nowMs()}`);
  }

  async joinTo(endpoint: ProxiedEndpoint, timeoutMs: number): Promise<boolean> {
    this.story.push(`tries ${endpoint.ip} for ${timeoutMs} at ${this.#clock.nowMs()}`);
    return this.#takes(endpoint);
  }
}

function held({
  endpoints = [A, B],
  mayJoin = () => true,
}: {
  endpoints?: ProxiedEndpoint[];
  mayJoin?: (e: ProxiedEndpoint) => boolean;
} = {}) {
  const clock = new ManualClock();
  const life = new AbortController();
  const clients = new HeldClients({
    choose: (_client, failed) => endpoints.find((endpoint) => !failed.has(endpoint)) ?? endpoints[0],
    mayJoin: async (endpoint) => mayJoin(endpoint),
    clock,
    signal: life.signal,
  });
  const client = (takes?: (endpoint: ProxiedEndpoint) => boolean) => {
    const one = new Client(clock, takes);
    clients.hold(one);
    return one;
  };
  return { clock, clients, client, life };
}

test('hold() lets the oldest go when a 17th client comes', () => {
  const { clients, client } = held();
  const all = Array.from({ length: 18 }, () => client());
  assert.deepEqual(
    all.map(({ story }) => story.length),
    [1, 1, ...Array(16).fill(0)],
  );
  assert.equal(clients.count, 16);
});

test('hold() counts nobody who has left', () => {
  const { clients, client } = held();
  const first = client();
  client().leave();
  for (let more = 0; more < 15; more++) client();
  assert.deepEqual([first.story, clients.count], [[], 16]);
});

test('expire() resets each client when it has waited for 120 s, and no other', async () => {
  const { clock, clients, client } = held();
  const old = client();
  await clock.pass(60_000);
  const young = client();
  await clock.pass(59_999);
  clients.expire();
  assert.deepEqual([old.story, young.story], [[], []]);
  await clock.pass(1);
  clients.expire();
  assert.deepEqual([old.story, young.story, clients.count], [['reset at 120000'], [], 1]);
});

test('release() joins all that wait, once each', async () => {
  const { clients, client } = held();
  const [one, other] = [client(), client()];
  assert.equal(clients.release(), 2);
  assert.equal(clients.release(), 0);
  await settled();
  assert.deepEqual([one.story, other.story], [['tries 10.131.2.5 for 250 at 0'], ['tries 10.131.2.5 for 250 at 0']]);
  assert.equal(clients.count, 0);
});

test('release() tries another endpoint when one fails, but not before the time of the first is over', async () => {
  const { clock, clients, client } = held();
  const one = client((endpoint) => endpoint === B);
  clients.release();
  await clock.pass(10_000);
  assert.deepEqual(one.story, ['tries 10.131.2.5 for 250 at 0', 'tries 10.131.2.6 for 500 at 250']);
});

test('release() resets a client that no endpoint took in four tries', async () => {
  const { clock, clients, client } = held({ endpoints: [A] });
  const one = client(() => false);
  clients.release();
  await clock.pass(10_000);
  assert.deepEqual(one.story, [
    'tries 10.131.2.5 for 250 at 0',
    'tries 10.131.2.5 for 500 at 250',
    'tries 10.131.2.5 for 1000 at 750',
    'tries 10.131.2.5 for 2000 at 1750',
    'reset at 3750',
  ]);
});

test('release() joins nobody to an endpoint that this node may not speak to', async () => {
  const { clock, clients, client } = held({ mayJoin: (endpoint) => endpoint === B });
  const one = client();
  clients.release();
  await clock.pass(10_000);
  assert.deepEqual(one.story, ['tries 10.131.2.6 for 500 at 250']);
});

test('release() lets a client wait on when the endpoints have gone again, and joins it to the next', async () => {
  const endpoints = [A];
  const { clock, clients, client } = held({ endpoints });
  const one = client((endpoint) => endpoint === B);
  clients.release();
  await settled();
  endpoints.length = 0;
  await clock.pass(5000);
  assert.equal(clients.count, 1);
  endpoints.push(B);
  clients.release();
  await clock.pass(5000);
  assert.deepEqual(one.story, ['tries 10.131.2.5 for 250 at 0', 'tries 10.131.2.6 for 250 at 5000']);
});

test('release() tries no more for a client that left meanwhile', async () => {
  const { clock, clients, client } = held();
  const one = client(() => false);
  clients.release();
  await settled();
  one.leave();
  await clock.pass(10_000);
  assert.deepEqual(one.story, ['tries 10.131.2.5 for 250 at 0']);
});

test('letAllGo() resets those that wait and those that are being joined, and ends their tries', async () => {
  const { clock, clients, client, life } = held();
  const joining = client(() => false);
  clients.release();
  const waiting = client();
  await settled();
  life.abort();
  clients.letAllGo();
  await clock.pass(10_000);
  assert.deepEqual([joining.story, waiting.story], [['tries 10.131.2.5 for 250 at 0', 'reset at 0'], ['reset at 0']]);
});
