import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSocketPaths, labPaths } from './lab-paths.ts';

const POD = { namespace: 'alpha', name: 'web', uid: '3a16704d-0000-4000-8000-000000000000' };

test('checkSocketPaths() refuses a directory when a socket in it could not be opened', () =>
  assert.throws(() => checkSocketPaths(labPaths(`/tmp/${'x'.repeat(90)}`), ['n']), { code: 'STATE_PATH_TOO_LONG' }));

test('checkSocketPaths() accepts the usual directory', () =>
  checkSocketPaths(labPaths('/run/tenet-lab'), ['dt-infra1']));

test('labPaths() gives two labs no namespace in common', () => {
  const [a, b] = [labPaths('/run/a'), labPaths('/run/b')];
  assert.notEqual(a.namespace('outside'), b.namespace('outside'));
  assert.notEqual(a.podNamespace(POD), b.podNamespace(POD));
});

test('labPaths() gives two pods of one name, one after the other, no namespace in common', () => {
  const { podNamespace } = labPaths('/run/a');
  assert.notEqual(podNamespace(POD), podNamespace({ ...POD, uid: '4b27815e-0000-4000-8000-000000000000' }));
});

test('labPaths() keeps the name of a namespace within the 255 bytes of a file name', () => {
  const path = labPaths('/run/a').podNamespace({ ...POD, name: 'x'.repeat(253) });
  assert.ok((path.split('/').at(-1)?.length ?? 0) <= 255);
});
