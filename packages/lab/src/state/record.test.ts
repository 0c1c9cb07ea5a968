import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Made, parseRecord, readRecord, remember } from './record.ts';

const NAMESPACE: Made = { kind: 'namespace', path: '/run/netns/tenet-0-x' };
const PROCESS: Made = {
  kind: 'process',
  spec: { name: 'n/agent', command: ['node', 'main.ts'] },
  pid: 12,
  startTicks: 345,
};
const line = (made: Made) => `${JSON.stringify(made)}\n`;

const ROWS: readonly { name: string; text: string; is: readonly Made[] }[] = [
  { name: 'nothing', text: '', is: [] },
  { name: 'a line cut short by a kill', text: `${line(NAMESPACE)}{"kind":"proc`, is: [NAMESPACE] },
  { name: 'a kind of another version', text: `{"kind":"moon"}\n${line(PROCESS)}`, is: [PROCESS] },
  { name: 'a namespace without a path', text: '{"kind":"namespace"}\n', is: [] },
  {
    name: 'a process without a command',
    text: '{"kind":"process","pid":1,"startTicks":2,"spec":{"name":"n"}}\n',
    is: [],
  },
  { name: 'two lines', text: line(NAMESPACE) + line(PROCESS), is: [NAMESPACE, PROCESS] },
];

for (const { name, text, is } of ROWS) {
  test(`parseRecord() keeps what is whole when there is ${name}`, () => assert.deepEqual(parseRecord(text), is));
}

test('readRecord() is empty when nothing was ever made', () => assert.deepEqual(readRecord('/nonexistent/made'), []));

test('readRecord() reads what remember() wrote, in order', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tenet-record-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'made.jsonl');
  remember(file, NAMESPACE);
  remember(file, PROCESS);
  assert.deepEqual(readRecord(file), [NAMESPACE, PROCESS]);
});
