import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFieldSelector } from './field-selector.ts';
import { ResourceTable } from './resources.ts';
import { StatusError } from './status.ts';

const table = new ResourceTable();
const POD = { metadata: { name: 'a', namespace: 'ns' }, spec: { nodeName: 'n1' }, status: {} };

describe('parseFieldSelector()', () => {
  for (const text of ['spec.nodeName', 'spec.colour=red', '=n1', 'metadata.uid=1']) {
    test(`parseFieldSelector() refuses ${text}`, () => {
      const parsing = () => parseFieldSelector(text, table.ofKind('Pod'));
      assert.throws(parsing, (error) => error instanceof StatusError && error.code === 400);
    });
  }

  // biome-ignore format: one selector per line
  const rows: readonly [text: string, meets: boolean][] = [
    ['', true], ['metadata.name=a', true], ['metadata.name==b', false], ['metadata.namespace!=ns', false],
    ['spec.nodeName=n1', true], ['spec.nodeName=n1,metadata.name=b', false], ['status.phase=', true],
    ['status.phase!=Running', true],
  ];
  for (const [text, meets] of rows) {
    test(`parseFieldSelector() says ${meets} for ${JSON.stringify(text)}`, () => {
      assert.equal(parseFieldSelector(text, table.ofKind('Pod'))(POD), meets);
    });
  }

  test('parseFieldSelector() reads the source of an event from its component', () => {
    const matches = parseFieldSelector('source=tenet', table.ofKind('Event'));
    assert.equal(matches({ source: { component: 'tenet' } }), true);
  });
});
