import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '@tenet/std';
import { kubeError } from './errors.ts';
import { outageOf } from './outage.ts';

const ERROR = kubeError('KUBE_UNREACHABLE', { verb: 'list', path: '/', server: 'http://s', problem: 'refused' });

function journal(): { lines: string[]; log: Logger } {
  const lines: string[] = [];
  const add = (phrase: string) => void lines.push(phrase);
  return { lines, log: { debug: add, info: add, warn: add, error: add } };
}

test('outageOf() is one record for all that share a client', () => {
  const client = {};
  assert.equal(outageOf(client), outageOf(client));
  assert.notEqual(outageOf(client), outageOf({}));
});

test('Outage logs one line per outage and one when it is over, however many fail', () => {
  const { lines, log } = journal();
  const outage = outageOf({});
  const watches = [{}, {}, {}];
  for (const by of watches) outage.succeeded({ by, log, nowMs: 0 });
  for (const by of [...watches, ...watches]) outage.failed(ERROR, { by, log, startedMs: 1 });
  for (const by of [...watches, ...watches]) outage.succeeded({ by, log, nowMs: 10 });
  assert.deepEqual(lines, ['cannot reach the API server', 'the API server is back']);
});

test('Outage lasts while one watch fails, whatever the others do', () => {
  const { lines, log } = journal();
  const outage = outageOf({});
  const [refused, served] = [{}, {}];
  for (let startedMs = 1; startedMs < 9; startedMs++) {
    outage.failed(ERROR, { by: refused, log, startedMs });
    outage.succeeded({ by: served, log, nowMs: startedMs });
  }
  assert.deepEqual(lines, ['cannot reach the API server']);
  outage.left(refused);
  outage.failed(ERROR, { by: served, log, startedMs: 20 });
  assert.equal(lines.length, 2);
});

test('Outage says nothing of a try that began before the server was back, and does of the next outage', () => {
  const { lines, log } = journal();
  const outage = outageOf({});
  const by = {};
  outage.failed(ERROR, { by, log, startedMs: 1 });
  outage.succeeded({ by, log, nowMs: 10 });
  outage.failed(ERROR, { by, log, startedMs: 9 });
  assert.equal(lines.length, 2);
  outage.failed(ERROR, { by, log, startedMs: 20 });
  assert.equal(lines.length, 3);
});
