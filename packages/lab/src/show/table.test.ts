import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignColumns } from './table.ts';

test('alignColumns() puts columns above each other without blanks at the end', () =>
  assert.deepEqual(
    alignColumns([
      ['a', 'bbb', 'c'],
      ['aaaa', 'b'],
    ]),
    ['a     bbb  c', 'aaaa  b'],
  ));

test('alignColumns() is empty when there is nothing', () => assert.deepEqual(alignColumns([]), []));
