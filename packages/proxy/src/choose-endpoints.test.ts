import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip } from '@tenet/std';
import fc from 'fast-check';
import { type Candidate, chooseEndpoints } from './choose-endpoints.ts';

const NODE = { name: 'here', zone: 'east' };

/** An endpoint in a few words: where, in which state, hinted for what. */
const endpoint = (last: number, words: string, { port = 80 } = {}): Candidate => {
  const all = words.split(' ');
  const hinted = (kind: string) => all.flatMap((word) => (word.startsWith(`${kind}:`) ? word.slice(5).split(',') : []));
  const ready = all.includes('ready');
  return {
    ip: Ip.parse(`10.128.0.${last}`),
    port,
    ready,
    serving: ready || all.includes('serving'),
    terminating: all.includes('terminating'),
    nodeName: all.includes('here') ? 'here' : all.includes('there') ? 'there' : '',
    forZones: hinted('zone'),
    forNodes: hinted('node'),
  };
};

const numbers = (endpoints: readonly { readonly ip: Ip }[]): string =>
  endpoints.map(({ ip }) => `${ip}`.slice('10.128.0.'.length)).join(' ');

interface Row {
  readonly when: string;
  /** The endpoints 10.128.0.1, .2 and so on. */
  readonly are: readonly string[];
  readonly cluster: string;
  readonly local: string;
  readonly somewhere?: false;
  readonly zone?: undefined;
}

// biome-ignore format: one row per line
const READINESS: readonly Row[] = [
  { when: 'there are none',                                   are: [],                                                                           cluster: '',    local: '', somewhere: false },
  { when: 'none is ready',                                    are: ['here', 'there'],                                                            cluster: '',    local: '', somewhere: false },
  { when: 'one serves, but is neither ready nor going',       are: ['here serving', 'there'],                                                    cluster: '',    local: '', somewhere: false },
  { when: 'one is going and does not serve any more',         are: ['here terminating'],                                                         cluster: '',    local: '', somewhere: false },
  { when: 'all are ready, somewhere',                         are: ['there ready', 'there ready'],                                               cluster: '1 2', local: '' },
  { when: 'some are here',                                    are: ['there ready', 'here ready', 'here'],                                        cluster: '1 2', local: '2' },
  { when: 'one is outside the cluster, on no node',           are: ['ready', 'there ready'],                                                     cluster: '1 2', local: '' },
  { when: 'one is going while others are ready',              are: ['there ready', 'there serving terminating'],                                 cluster: '1',   local: '' },
  { when: 'all are going, some still serve',                  are: ['there serving terminating', 'here terminating', 'here serving terminating'], cluster: '1 3', local: '3' },
  { when: 'the last one here is going, others are ready',     are: ['there ready', 'here serving terminating'],                                  cluster: '1',   local: '2' },
  { when: 'one here is going, another here is ready',         are: ['here ready', 'here serving terminating'],                                   cluster: '1',   local: '1' },
  { when: 'a going one is published though it is not ready',  are: ['here ready terminating', 'there serving terminating'],                      cluster: '1',   local: '1' },
];

// biome-ignore format: one row per line
const HINTS: readonly Row[] = [
  { when: 'all are hinted, some for this zone',               are: ['here ready zone:east', 'there ready zone:west', 'there ready zone:west,east'],    cluster: '1 3', local: '1' },
  { when: 'one here is for another zone',                     are: ['here ready zone:west', 'there ready zone:east'],                                  cluster: '2',   local: '1' },
  { when: 'all are hinted, none for this zone',               are: ['there ready zone:west', 'there ready zone:north'],                                cluster: '1 2', local: '' },
  { when: 'one has no hint',                                  are: ['there ready zone:east', 'there ready'],                                           cluster: '1 2', local: '' },
  { when: 'one that is not ready has no hint',                are: ['there ready zone:east', 'there ready zone:west', 'there'],                        cluster: '1',   local: '' },
  { when: 'only one that is not ready is for this zone',      are: ['there ready zone:west', 'there zone:east'],                                       cluster: '1',   local: '' },
  { when: 'all are going: hints do not count',                are: ['there serving terminating zone:east', 'there serving terminating zone:west'],     cluster: '1 2', local: '' },
  { when: 'this node is in no zone',                          are: ['there ready zone:east', 'there ready zone:west'],            zone: undefined,     cluster: '1 2', local: '' },
  { when: 'all are hinted for nodes, one for this',           are: ['there ready node:here', 'there ready node:there'],                                cluster: '1',   local: '' },
  { when: 'hints for nodes win over those for zones',         are: ['here ready zone:east node:here', 'there ready zone:east node:there'],             cluster: '1',   local: '1' },
  { when: 'none is for this node: the zone decides',          are: ['there ready zone:east node:there', 'there ready zone:west node:else'],            cluster: '1',   local: '' },
  { when: 'one has none for a node: the zone decides',        are: ['there ready zone:east node:there', 'here ready zone:east', 'there ready zone:west node:here'], cluster: '1 2', local: '2' },
  { when: 'hints for nodes need no zone of this node',        are: ['there ready node:here', 'there ready node:there'],           zone: undefined,     cluster: '1',   local: '' },
];

for (const [title, rows] of [
  ['by readiness', READINESS],
  ['by hints', HINTS],
] as const) {
  describe(`chooseEndpoints() chooses ${title} when`, () => {
    for (const { when, are, cluster, local, somewhere = true, ...row } of rows) {
      test(when, () => {
        const node = 'zone' in row ? { name: NODE.name } : NODE;
        const chosen = chooseEndpoints(
          are.map((words, at) => endpoint(at + 1, words)),
          node,
        );
        assert.equal(numbers(chosen.clusterEndpoints), cluster);
        assert.equal(numbers(chosen.localEndpoints), local);
        assert.equal(chosen.hasEndpointsSomewhere, somewhere);
      });
    }
  });
}

test('chooseEndpoints() orders by address as a number, then by port', () => {
  const { clusterEndpoints } = chooseEndpoints(
    [endpoint(10, 'ready'), endpoint(9, 'ready', { port: 8080 }), endpoint(9, 'ready')],
    NODE,
  );
  assert.deepEqual(
    clusterEndpoints.map(({ ip, port }) => `${ip}:${port}`),
    ['10.128.0.9:80', '10.128.0.9:8080', '10.128.0.10:80'],
  );
});

const state = fc
  .tuple(
    fc.constantFrom('here', 'there', ''),
    fc.constantFrom('ready', 'serving terminating', 'terminating', 'serving', ''),
    fc.constantFrom('', 'zone:east', 'zone:west', 'zone:east,west'),
    fc.constantFrom('', 'node:here', 'node:there'),
  )
  .map((words) => words.join(' '));
const world = fc.array(state, { maxLength: 6 }).map((are) => are.map((words, at) => endpoint(at + 1, words)));

test('chooseEndpoints() does not depend on the order in which endpoints come', () => {
  fc.assert(
    fc.property(
      world.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => assert.deepEqual(chooseEndpoints(all, NODE), chooseEndpoints(shuffled, NODE)),
    ),
  );
});

test('chooseEndpoints() sends nobody to one that cannot answer, and leaves nobody without one while one can', () => {
  fc.assert(
    fc.property(world, (all) => {
      const { clusterEndpoints, localEndpoints, hasEndpointsSomewhere } = chooseEndpoints(all, NODE);
      const answers = (each: Candidate) => each.ready || (each.serving && each.terminating);
      const named = (numbersOf: string) => all.filter(({ ip }) => numbersOf.split(' ').includes(numbers([{ ip }])));
      const cluster = named(numbers(clusterEndpoints));
      const local = named(numbers(localEndpoints));
      assert(cluster.every(answers));
      assert(local.every((each) => answers(each) && each.nodeName === 'here'));
      assert.equal(cluster.length > 0, all.some(answers));
      assert.equal(hasEndpointsSomewhere, all.some(answers));
      assert.equal(
        local.length > 0,
        all.some((each) => answers(each) && each.nodeName === 'here'),
      );
      // One that is going is nobody's choice beside one that stays.
      for (const chosen of [cluster, local]) assert(chosen.every(({ ready }) => ready === chosen[0]?.ready));
    }),
  );
});
