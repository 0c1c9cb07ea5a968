import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from './service-walk.ts';

test('counted() sets what was counted before beside what is counted now, and lets be what counts nothing', () =>
  assert.deepEqual(
    counted(
      [
        { at: 'table 0', says: 'a', packets: 4n },
        { at: 'table 1', says: 'gone', packets: 9n },
      ],
      [
        { at: 'table 0', says: 'a', packets: 5n },
        { at: 'table 1', says: 'new', packets: 1n },
        { at: 'services', says: 'a' },
      ],
    ),
    [
      { at: 'table 0', says: 'a', packets: { before: 4n, after: 5n } },
      { at: 'table 1', says: 'new', packets: { before: 0n, after: 1n } },
      { at: 'services', says: 'a' },
    ],
  ));
