import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPath, mapsAsked } from './map-path.ts';

/** As nft 1.0.6 lists maps in JSON. */
const MAPS = [
  {
    map: {
      name: 'services',
      elem: [
        [{ concat: ['172.30.229.30', 'tcp', 9200] }, { goto: { target: 'pick-1' } }],
        [
          { elem: { val: { concat: ['172.30.229.31', 'tcp', 9200] }, comment: 'another' } },
          { goto: { target: 'pick-1' } },
        ],
      ],
    },
  },
  {
    map: {
      name: 'tcp-endpoints',
      elem: [
        [{ elem: { val: { concat: ['172.30.229.30', 9200, 0] }, comment: 'es' } }, { concat: ['10.131.2.45', 9200] }],
        [{ concat: ['172.30.229.30', 92_000, 0] }, { concat: ['10.131.2.46', 9200] }],
      ],
    },
  },
  { map: { name: 'empty' } },
];

test('mapPath() is empty when no element is about the service', () => {
  assert.deepEqual(mapPath(MAPS, { ip: '172.30.229.30', port: 80, protocol: 'tcp' }), []);
  assert.deepEqual(mapPath(MAPS.slice(0, 1), { ip: '172.30.229.30', port: 9200, protocol: 'udp' }), []);
});

test('mapsAsked() names the maps of the protocol', () =>
  assert.deepEqual(mapsAsked({ ip: '172.30.229.30', port: 53, protocol: 'udp' }), ['services', 'udp-endpoints']));

test('mapPath() shows the elements of a service as nft writes them', () =>
  assert.deepEqual(mapPath(MAPS, { ip: '172.30.229.30', port: 9200, protocol: 'tcp' }), [
    { at: 'services', says: '172.30.229.30 . tcp . 9200 : goto pick-1' },
    { at: 'tcp-endpoints', says: '172.30.229.30 . 9200 . 0 : 10.131.2.45 . 9200' },
  ]));
