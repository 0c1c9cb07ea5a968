import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip, type LogFacts, SILENT } from '@tenet/std';
import { ManualClock, settled } from '../../testing/manual-clock.ts';
import { AddressOwners } from './address-owners.ts';

const FIRST = Ip.parse('10.128.0.2');

type Find = (ip: Ip) => Promise<readonly string[]>;

function ownersWith(find: Find) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const told: string[] = [];
  const changed: string[] = [];
  const say = (phrase: string, _facts?: LogFacts) => void told.push(phrase);
  const owners = new AddressOwners({
    find: (ip) => {
      asked.push(ip.toString());
      return find(ip);
    },
    onChange: (users) => changed.push(...users),
    log: { ...SILENT, info: say, warn: say },
    clock,
    signal: stop.signal,
  });
  const need = (user: string, ...addresses: string[]) =>
    owners.setNeeds(user, new Map(addresses.map((address) => [address, Ip.parse(address)])));
  return { owners, need, clock, stop, asked, told, changed };
}

/** The API server, which can be away. */
function server(projects: readonly string[]) {
  const state = { projects, isAway: false };
  const find: Find = async () => {
    if (state.isAway) throw new Error('connection refused');
    return state.projects;
  };
  return { state, find };
}

describe('AddressOwners', () => {
  test('knows nothing, and asks nothing, while nobody needs anything', async () => {
    const { owners, clock, asked } = ownersWith(server(['alpha']).find);
    await clock.pass(60_000);
    assert.deepEqual([asked, owners.get('10.128.0.2')], [[], undefined]);
  });

  test('knows nothing before the answer, and says whose address it is after it', async () => {
    const { owners, need, changed } = ownersWith(server(['alpha']).find);
    need('a', '10.128.0.2');
    assert.equal(owners.get('10.128.0.2'), undefined);
    await settled();
    assert.deepEqual([owners.get('10.128.0.2'), changed], [['alpha'], ['a']]);
  });

  test('knows nothing while the server does not answer, asks again each second and says so once', async () => {
    const { state, find } = server(['alpha']);
    state.isAway = true;
    const { owners, need, clock, asked, told } = ownersWith(find);
    need('a', '10.128.0.2');
    await clock.pass(3_500);
    assert.deepEqual([owners.get('10.128.0.2'), asked.length], [undefined, 4]);
    assert.deepEqual(told, ['owners of endpoints are not known']);
    state.isAway = false;
    await clock.pass(1_000);
    assert.deepEqual(owners.get('10.128.0.2'), ['alpha']);
    assert.deepEqual(told, ['owners of endpoints are not known', 'owners of endpoints are known again']);
  });

  test('keeps what was answered while the server is away, and takes what it says afterwards', async () => {
    const { state, find } = server(['alpha']);
    const { owners, need, clock, changed } = ownersWith(find);
    need('a', '10.128.0.2');
    await settled();
    state.isAway = true;
    await clock.pass(60_000);
    assert.deepEqual([owners.get('10.128.0.2'), changed], [['alpha'], ['a']]);
    state.isAway = false;
    state.projects = ['beta'];
    await clock.pass(11_000);
    assert.deepEqual([owners.get('10.128.0.2'), changed], [['beta'], ['a', 'a']]);
  });

  test('asks again within ten seconds while somebody needs the address, and not afterwards', async () => {
    const { owners, need, clock, asked } = ownersWith(server(['alpha']).find);
    need('a', '10.128.0.2');
    need('b', '10.128.0.2');
    await clock.pass(30_000);
    assert.equal(asked.length, 4);
    need('a');
    assert.deepEqual(owners.get('10.128.0.2'), ['alpha']);
    need('b');
    assert.equal(owners.get('10.128.0.2'), undefined);
    await clock.pass(60_000);
    assert.equal(asked.length, 4);
  });

  test('forgets what was answered for somebody who needs it no longer', async () => {
    const { state, find } = server(['alpha']);
    const { owners, need } = ownersWith(find);
    need('a', '10.128.0.2');
    await settled();
    need('a');
    state.projects = ['beta'];
    need('a', '10.128.0.2');
    assert.equal(owners.get('10.128.0.2'), undefined);
    await settled();
    assert.deepEqual(owners.get('10.128.0.2'), ['beta']);
  });

  test('asks of a thousand addresses four at a time, and each once', async () => {
    let underWay = 0;
    let most = 0;
    const { owners, need, clock, asked } = ownersWith(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await settled();
      underWay -= 1;
      return ['alpha'];
    });
    const addresses = Array.from({ length: 1_000 }, (_, at) => FIRST.plus(at).toString());
    need('a', ...addresses);
    while (underWay > 0) await settled();
    assert.deepEqual([most, asked.length, new Set(asked).size], [4, 1_000, 1_000]);
    assert.ok(addresses.every((address) => owners.get(address)?.join() === 'alpha'));
    await clock.pass(9_999);
    assert.equal(asked.length, 1_000);
  });

  test('asks of a thousand addresses four times a second while the server is away', async () => {
    const { state, find } = server(['alpha']);
    state.isAway = true;
    const { need, clock, asked } = ownersWith(find);
    need('a', ...Array.from({ length: 1_000 }, (_, at) => FIRST.plus(at).toString()));
    await clock.pass(9_500);
    assert.equal(asked.length, 40);
  });

  test('says when each address has been tried, answered or not, or is not needed any more', async () => {
    const answers = new Map<string, PromiseWithResolvers<readonly string[]>>();
    const { owners, need } = ownersWith((ip) => {
      const answer = Promise.withResolvers<readonly string[]>();
      answers.set(ip.toString(), answer);
      return answer.promise;
    });
    await owners.tried();
    need('a', '10.128.0.2', '10.128.0.3', '10.128.0.4');
    let isTried = false;
    const tried = owners.tried().then(() => {
      isTried = true;
    });
    answers.get('10.128.0.2')?.resolve(['alpha']);
    answers.get('10.128.0.3')?.reject(new Error('connection refused'));
    await settled();
    assert.equal(isTried, false);
    need('a', '10.128.0.2', '10.128.0.3');
    await tried;
  });

  test('asks nothing more when its signal has aborted', async () => {
    const { need, clock, stop, asked } = ownersWith(server(['alpha']).find);
    need('a', '10.128.0.2');
    await settled();
    stop.abort();
    await clock.pass(60_000);
    need('a', '10.128.0.2', '10.128.0.3');
    await clock.pass(60_000);
    assert.equal(asked.length, 1);
  });
});
