import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRequestPath, type RequestPath } from './request-path.ts';

const CORE = { group: '', version: 'v1' };
const GROUP = { group: 'network.openshift.io', version: 'v1' };

describe('parseRequestPath()', () => {
  for (const path of [
    '/',
    '/api',
    '/api/v1',
    '/apis/g/v1',
    '/other/v1/pods',
    '/api/v1//x',
    '/api/v1/a/b/c/d',
    '/api/v1/%zz',
  ]) {
    test(`parseRequestPath() reads nothing of ${path}`, () => assert.equal(parseRequestPath(path), undefined));
  }

  // biome-ignore format: one path per line
  const rows: readonly [path: string, is: RequestPath][] = [
    ['/api/v1/pods', { ...CORE, plural: 'pods' }],
    ['/api/v1/nodes/', { ...CORE, plural: 'nodes' }],
    ['/api/v1/nodes/n1', { ...CORE, plural: 'nodes', name: 'n1' }],
    ['/api/v1/nodes/n1/status', { ...CORE, plural: 'nodes', name: 'n1', subresource: 'status' }],
    ['/api/v1/namespaces', { ...CORE, plural: 'namespaces' }],
    ['/api/v1/namespaces/a', { ...CORE, plural: 'namespaces', name: 'a' }],
    ['/api/v1/namespaces/a/status', { ...CORE, plural: 'namespaces', name: 'a', subresource: 'status' }],
    ['/api/v1/namespaces/a/pods', { ...CORE, plural: 'pods', namespace: 'a' }],
    ['/api/v1/namespaces/a/pods/b/status', { ...CORE, plural: 'pods', namespace: 'a', name: 'b', subresource: 'status' }],
    ['/apis/network.openshift.io/v1/hostsubnets/n%2F1', { ...GROUP, plural: 'hostsubnets', name: 'n/1' }],
  ];
  for (const [path, is] of rows) {
    test(`parseRequestPath() reads ${path}`, () => assert.deepEqual(parseRequestPath(path), is));
  }
});
