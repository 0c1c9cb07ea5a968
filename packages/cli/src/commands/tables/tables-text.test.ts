import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ARTICLE_NODE, DROP_CLASS_NAMES, hostChains, TABLE_NAMES, TABLES } from '@tenet/pipeline';
import { tablesText } from './tables-text.ts';

describe('tablesText()', () => {
  const lines = tablesText().split('\n');

  test('has every table with its question', () => {
    for (const name of TABLE_NAMES) {
      const { id, question } = TABLES[name];
      assert.ok(
        lines.some((line) => line.startsWith(`Table ${id}`) && line.endsWith(question)),
        name,
      );
    }
  });

  test('has every drop class with its number and meaning', () => {
    const from = lines.findIndex((line) => line.startsWith('Drop classes'));
    const listed = lines.slice(from + 1, from + 1 + DROP_CLASS_NAMES.length).map((line) => line.trim().split(/\s+/)[1]);
    assert.deepEqual(listed, DROP_CLASS_NAMES);
  });

  test('gives each flow its actions and a reason', () => {
    const at = lines.findIndex((line) => line.includes('in_port=46,dl_src=0a:58:0a:83:02:2e,nw_src=10.131.2.46'));
    assert.match(lines[at] ?? '', /^ {3}100 {2}pod {5}ip,/);
    assert.match(lines[at + 1] ?? '', /→ load:0x5a2->NXM_NX_REG0\[\],goto_table:21$/);
    assert.equal(lines[at + 2]?.trim(), "the pod's own address");
  });

  test('has a heading for each of the chains of the host', () => {
    const headings = lines.filter((line) => line.startsWith('iptables ')).length;
    const chains = Object.values(hostChains(ARTICLE_NODE.node, { serviceChains: true })).flat();
    assert.equal(headings, chains.length);
  });
});
