import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { readListing } from './read-listing.ts';

const TABLE = { table: { family: 'ip', name: 'tenet', handle: 1 } };
const OWN = { family: 'ip', table: 'tenet' };

function listing(...objects: readonly object[]): string {
  return JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, TABLE, ...objects] });
}

const MALFORMED: readonly (readonly [name: string, text: string])[] = [
  ['it is cut', listing().slice(0, -3)],
  ['it is no object', '[]'],
  ['it has no list', '{"nftables":{}}'],
  ['an entry is no object', '{"nftables":[7]}'],
  ['an entry is empty', '{"nftables":[{}]}'],
  ['a chain is of another table', listing({ chain: { family: 'ip', table: 'other', name: 'x' } })],
  ['a set is of another family', listing({ set: { family: 'ip6', table: 'tenet', name: 'x', type: 'ipv4_addr' } })],
  ['a rule is of no chain', listing({ rule: { ...OWN, chain: 'x', expr: [] } })],
];

describe('readListing()', () => {
  for (const [name, text] of MALFORMED)
    test(`refuses text when ${name}`, () => {
      assert.throws(
        () => readListing(text),
        (error) => isTenetError(error, 'LISTING_MALFORMED'),
      );
    });

  test('finds no table in the empty text', () => {
    assert.equal(readListing('').exists, false);
  });

  test('finds what is strange when the table is switched off or has what we never make', () => {
    const dormant = { table: { family: 'ip', name: 'tenet', flags: 'tenet' } };
    assert.equal(readListing(listing()).isStrange, false);
    assert.equal(readListing(JSON.stringify({ nftables: [dormant] })).isStrange, true);
    assert.equal(readListing(listing({ counter: { ...OWN, name: 'x' } })).isStrange, true);
  });

  const ENDPOINTS = [[{ concat: ['172.30.0.1', 6, 0] }, { concat: ['10.128.0.7', 8080] }]];
  const SETS: readonly (readonly [
    name: string,
    set: object,
    types: string,
    elements: readonly (readonly string[])[],
  ])[] = [
    [
      'of verdicts, with comments',
      {
        map: {
          ...{ ...OWN, name: 's', type: ['ipv4_addr', 'inet_proto', 'inet_service'], map: 'verdict' },
          elem: [
            [
              { elem: { val: { concat: ['172.30.0.1', 'tcp', 80] }, comment: 'a/b' } },
              { goto: { target: 'pick-tcp-1' } },
            ],
            [{ concat: ['172.30.0.2', 'udp', 53] }, { drop: null }],
          ],
        },
      },
      'map ipv4_addr . inet_proto . inet_service : verdict',
      [
        ['172.30.0.1 . tcp . 80', ' comment "a/b" : goto pick-tcp-1'],
        ['172.30.0.2 . udp . 53', ' : drop'],
      ],
    ],
    [
      'where protocols have no names',
      {
        map: {
          ...{ ...OWN, name: 's', type: ['inet_proto', 'inet_service'], map: 'verdict' },
          elem: [[{ concat: [132, 17] }, { drop: null }]],
        },
      },
      'map inet_proto . inet_service : verdict',
      [['sctp . 17', ' : drop']],
    ],
    [
      'of endpoints, whose ports are no protocols',
      {
        map: {
          ...{ ...OWN, name: 's', type: ['ipv4_addr', 'inet_service', 'integer'], map: 'ipv4_addr . inet_service' },
          elem: ENDPOINTS,
        },
      },
      'map ipv4_addr . inet_service . integer : ipv4_addr . inet_service',
      [['172.30.0.1 . 6 . 0', ' : 10.128.0.7 . 8080']],
    ],
    [
      'of endpoints, as expressions',
      {
        map: {
          ...{ ...OWN, name: 's', elem: ENDPOINTS },
          type: {
            typeof: {
              concat: [
                { payload: { protocol: 'ip', field: 'daddr' } },
                { payload: { protocol: 'tcp', field: 'dport' } },
                { numgen: { mode: 'random', mod: 2, offset: 0 } },
              ],
            },
          },
          map: {
            typeof: {
              concat: [
                { payload: { protocol: 'ip', field: 'daddr' } },
                { payload: { protocol: 'tcp', field: 'dport' } },
              ],
            },
          },
        },
      },
      'map ipv4_addr . inet_service . integer : ipv4_addr . inet_service',
      [['172.30.0.1 . 6 . 0', ' : 10.128.0.7 . 8080']],
    ],
    [
      'of pairs',
      { set: { ...OWN, name: 's', type: ['ipv4_addr', 'ipv4_addr'], elem: [{ concat: ['10.0.0.1', '10.0.0.1'] }] } },
      'set ipv4_addr . ipv4_addr',
      [['10.0.0.1 . 10.0.0.1', '']],
    ],
  ];
  for (const [name, set, types, elements] of SETS)
    test(`reads a set ${name}`, () => {
      const table = readListing(listing(set));
      assert.equal(table.sets.get('s'), types);
      assert.deepEqual([...(table.elements.get('s') ?? [])], elements);
    });

  test('leaves out the clients that the kernel remembers', () => {
    const clients = { ...OWN, name: 's', type: 'ipv4_addr', size: 6_144, flags: ['timeout'] };
    const elem = [{ elem: { val: '10.131.2.9', timeout: 10, expires: 7 } }];
    const table = readListing(listing({ set: { ...clients, elem } }));
    assert.equal(table.sets.get('s'), 'set ipv4_addr timeout');
    assert.equal(table.elements.size, 0);
    const limited = readListing(listing({ set: { ...clients, timeout: 60 } }));
    assert.notEqual(limited.sets.get('s'), 'set ipv4_addr timeout');
  });

  test('reads chains with their hooks and rules', () => {
    const hooked = { ...OWN, name: 'x', type: 'nat', hook: 'output', prio: -101, policy: 'accept' };
    const table = readListing(
      listing(
        { chain: hooked },
        { chain: { ...OWN, name: 'y' } },
        { rule: { ...OWN, chain: 'y', expr: [{ drop: null }] } },
      ),
    );
    assert.deepEqual(Object.fromEntries(table.chains), {
      x: { hook: 'nat output -101', rules: [] },
      y: { hook: '', rules: ['drop'] },
    });
  });
});
