/**
 * What an API server answers, as stories of requests with the status and the facts of each answer. The lab's server is
 * held to it; nothing in here knows that server, so that it can be pointed at a kube-apiserver that has Tenet's custom
 * resource definitions. Every story makes its own objects, with the random `{id}` in their names.
 */
import type { Step, Story } from './play-story.ts';

const NETNAMESPACES = '/apis/network.openshift.io/v1/netnamespaces';
const MERGE = 'application/merge-patch+json';
const failure = (reason: string, code: number) => ({ kind: 'Status', status: 'Failure', reason, code });

const netNamespace = (name: string, rest: object = {}) => ({
  ...{ apiVersion: 'network.openshift.io/v1', kind: 'NetNamespace', metadata: { name }, netname: name, netid: 77 },
  ...rest,
});
const event = (name: string, namespace: string) => ({
  ...{ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace }, type: 'Normal', reason: 'Seen', message: 'm' },
  involvedObject: { kind: 'Pod', name: 'p', namespace },
});
const create = (name: string): Step => ({
  ...{ method: 'POST', path: NETNAMESPACES, body: netNamespace(name), status: 201 },
  keep: { uid: 'metadata.uid', version: 'metadata.resourceVersion' },
});
const createNamespace = (name: string): Step => ({
  ...{ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } }, status: 201 },
});
const remove = (name: string): Step => ({ method: 'DELETE', path: `${NETNAMESPACES}/${name}`, status: 200 });

export const STORIES: readonly Story[] = [
  {
    name: 'discovery names the versions, groups and resources',
    steps: [
      { method: 'GET', path: '/version', status: 200, facts: { major: '1' } },
      { method: 'GET', path: '/api', status: 200, facts: { kind: 'APIVersions', 'versions.0': 'v1' } },
      { method: 'GET', path: '/apis', status: 200, facts: { kind: 'APIGroupList' } },
      { method: 'GET', path: '/api/v1', status: 200, facts: { kind: 'APIResourceList', groupVersion: 'v1' } },
      {
        ...{ method: 'GET', path: '/apis/network.openshift.io/v1', status: 200 },
        facts: { kind: 'APIResourceList', groupVersion: 'network.openshift.io/v1' },
      },
      {
        ...{ method: 'GET', path: '/apis/network.openshift.io', status: 200 },
        facts: { kind: 'APIGroup', 'preferredVersion.version': 'v1' },
      },
    ],
  },
  {
    name: 'paths that name nothing are not found',
    steps: [
      { method: 'GET', path: '/apis/network.openshift.io/v1/networks-{id}', status: 404 },
      { method: 'GET', path: '/api/v2', status: 404 },
      { method: 'GET', path: `${NETNAMESPACES}/absent-{id}`, status: 404, facts: failure('NotFound', 404) },
      { method: 'DELETE', path: `${NETNAMESPACES}/absent-{id}`, status: 404, facts: failure('NotFound', 404) },
    ],
  },
  {
    name: 'create refuses what is not an object of the path',
    steps: [
      { method: 'POST', path: NETNAMESPACES, body: '{', status: 400, facts: failure('BadRequest', 400) },
      {
        method: 'POST',
        path: NETNAMESPACES,
        body: netNamespace('Not_A_Name'),
        status: 422,
        facts: failure('Invalid', 422),
      },
      { method: 'POST', path: NETNAMESPACES, body: netNamespace('a-{id}', { kind: 'HostSubnet' }), status: 400 },
      { method: 'POST', path: NETNAMESPACES, body: netNamespace('a-{id}', { metadata: {} }), status: 422 },
      {
        ...{ method: 'POST', path: NETNAMESPACES, status: 400 },
        body: netNamespace('', { metadata: { name: 'a-{id}', resourceVersion: '1' } }),
      },
      { method: 'POST', path: NETNAMESPACES, contentType: 'text/html', body: netNamespace('a-{id}'), status: 415 },
      { method: 'POST', path: `${NETNAMESPACES}/a-{id}`, body: netNamespace('a-{id}'), status: 405 },
      { method: 'GET', path: `${NETNAMESPACES}/a-{id}`, status: 404 },
    ],
  },
  {
    name: 'create completes the metadata, and a taken name is refused',
    steps: [
      create('b-{id}'),
      {
        ...{ method: 'GET', path: `${NETNAMESPACES}/b-{id}`, status: 200 },
        facts: {
          ...{ apiVersion: 'network.openshift.io/v1', kind: 'NetNamespace', netid: 77 },
          ...{ 'metadata.name': 'b-{id}', 'metadata.uid': '{uid}', 'metadata.resourceVersion': '{version}' },
          'metadata.creationTimestamp': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
        },
      },
      { ...create('b-{id}'), status: 409, keep: {}, facts: failure('AlreadyExists', 409) },
      remove('b-{id}'),
    ],
  },
  {
    name: 'create makes a name from generateName',
    steps: [
      {
        ...{ method: 'POST', path: NETNAMESPACES, status: 201, keep: { name: 'metadata.name' } },
        body: netNamespace('', { metadata: { generateName: 'g-{id}-' } }),
        facts: { 'metadata.name': /^g-\w+-[a-z0-9]{5}$/ },
      },
      remove('{name}'),
    ],
  },
  {
    name: 'update is refused for a stale version and for another name, and changes nothing when nothing differs',
    steps: [
      create('c-{id}'),
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 200, keep: { newer: 'metadata.resourceVersion' } },
        body: netNamespace('c-{id}', { metadata: { name: 'c-{id}', resourceVersion: '{version}' }, netid: 78 }),
        facts: { netid: 78, 'metadata.uid': '{uid}' },
      },
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 409, facts: failure('Conflict', 409) },
        body: netNamespace('c-{id}', { metadata: { name: 'c-{id}', resourceVersion: '{version}' } }),
      },
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 400, facts: failure('BadRequest', 400) },
        body: netNamespace('c-{id}', { metadata: { name: 'd-{id}', resourceVersion: '{newer}' } }),
      },
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 422, facts: failure('Invalid', 422) },
        body: netNamespace('c-{id}'),
      },
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 409, facts: failure('Conflict', 409) },
        body: netNamespace('', { metadata: { name: 'c-{id}', resourceVersion: '{newer}', uid: 'another' } }),
      },
      {
        ...{ method: 'PUT', path: `${NETNAMESPACES}/c-{id}`, status: 200 },
        body: netNamespace('c-{id}', { metadata: { name: 'c-{id}', resourceVersion: '{newer}' }, netid: 78 }),
        facts: { 'metadata.resourceVersion': '{newer}' },
      },
      { ...remove('absent-{id}'), method: 'PUT', body: netNamespace('absent-{id}'), status: 404 },
      remove('c-{id}'),
    ],
  },
  {
    name: 'patches merge, remove and test',
    steps: [
      create('e-{id}'),
      {
        ...{ method: 'PATCH', path: `${NETNAMESPACES}/e-{id}`, contentType: MERGE, status: 200 },
        body: { metadata: { annotations: { a: '1', b: '2' } }, netid: 5 },
        facts: { netid: 5, 'metadata.annotations.a': '1', netname: 'e-{id}' },
      },
      {
        ...{ method: 'PATCH', path: `${NETNAMESPACES}/e-{id}`, contentType: MERGE, status: 200 },
        body: { metadata: { annotations: { a: null } } },
        facts: { 'metadata.annotations.a': undefined, 'metadata.annotations.b': '2' },
      },
      {
        ...{ method: 'PATCH', path: `${NETNAMESPACES}/e-{id}`, contentType: MERGE, status: 409 },
        body: { metadata: { resourceVersion: '{version}' }, netid: 6 },
        facts: failure('Conflict', 409),
      },
      {
        ...{
          method: 'PATCH',
          path: `${NETNAMESPACES}/e-{id}`,
          contentType: 'application/json-patch+json',
          status: 200,
        },
        body: [
          { op: 'test', path: '/netid', value: 5 },
          { op: 'replace', path: '/netid', value: 6 },
        ],
        facts: { netid: 6 },
      },
      {
        ...{
          method: 'PATCH',
          path: `${NETNAMESPACES}/e-{id}`,
          contentType: 'application/json-patch+json',
          status: 422,
        },
        body: [{ op: 'test', path: '/netid', value: 5 }],
        facts: failure('Invalid', 422),
      },
      { method: 'PATCH', path: `${NETNAMESPACES}/e-{id}`, contentType: 'text/plain', body: {}, status: 415 },
      { method: 'PATCH', path: `${NETNAMESPACES}/absent-{id}`, contentType: MERGE, body: {}, status: 404 },
      remove('e-{id}'),
    ],
  },
  {
    name: 'the status of a Node is written by its subresource only',
    steps: [
      { method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: 'n-{id}' } }, status: 201 },
      {
        ...{ method: 'PATCH', path: '/api/v1/nodes/n-{id}/status', contentType: MERGE, status: 200 },
        body: { status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }, spec: { unschedulable: true } },
        facts: { 'status.addresses.0.address': '10.0.0.1', 'spec.unschedulable': undefined },
      },
      {
        ...{ method: 'PATCH', path: '/api/v1/nodes/n-{id}', contentType: MERGE, status: 200 },
        body: { status: { addresses: null }, spec: { unschedulable: true } },
        facts: { 'status.addresses.0.address': '10.0.0.1', 'spec.unschedulable': true },
      },
      { method: 'DELETE', path: '/api/v1/nodes/n-{id}', status: 200 },
    ],
  },
  {
    name: 'delete keeps its preconditions',
    steps: [
      create('f-{id}'),
      {
        ...{ method: 'DELETE', path: `${NETNAMESPACES}/f-{id}`, status: 409, facts: failure('Conflict', 409) },
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'another' } },
      },
      {
        ...{ method: 'DELETE', path: `${NETNAMESPACES}/f-{id}`, status: 200, facts: { status: 'Success' } },
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: '{uid}' } },
      },
      { method: 'GET', path: `${NETNAMESPACES}/f-{id}`, status: 404 },
    ],
  },
  {
    name: 'a dry run changes nothing',
    steps: [
      { ...create('h-{id}'), path: `${NETNAMESPACES}?dryRun=All`, keep: {} },
      { method: 'GET', path: `${NETNAMESPACES}/h-{id}`, status: 404 },
      create('h-{id}'),
      { ...remove('h-{id}'), path: `${NETNAMESPACES}/h-{id}?dryRun=All` },
      { method: 'GET', path: `${NETNAMESPACES}/h-{id}`, status: 200 },
      remove('h-{id}'),
    ],
  },
  {
    name: 'objects of a namespace are in it and nowhere else',
    steps: [
      { method: 'POST', path: '/api/v1/namespaces/absent-{id}/events', body: event('x', 'absent-{id}'), status: 404 },
      createNamespace('ns-{id}'),
      { method: 'POST', path: '/api/v1/namespaces/ns-{id}/events', body: event('x', 'default'), status: 400 },
      { method: 'POST', path: '/api/v1/namespaces/ns-{id}/events', body: event('x', 'ns-{id}'), status: 201 },
      { method: 'POST', path: '/api/v1/events', body: event('y', 'ns-{id}'), status: 405 },
      {
        method: 'GET',
        path: '/api/v1/namespaces/ns-{id}/events/x',
        status: 200,
        facts: { 'metadata.namespace': 'ns-{id}' },
      },
      { method: 'GET', path: '/api/v1/namespaces/default/events/x-{id}', status: 404 },
      {
        ...{ method: 'GET', path: '/api/v1/events?fieldSelector=metadata.namespace%3Dns-{id}', status: 200 },
        facts: { kind: 'EventList', 'items.0.metadata.name': 'x', 'items.1': undefined },
      },
      { method: 'DELETE', path: '/api/v1/namespaces/ns-{id}/events', status: 200 },
      { method: 'GET', path: '/api/v1/namespaces/ns-{id}/events', status: 200, facts: { 'items.0': undefined } },
      { method: 'DELETE', path: '/api/v1/namespaces/ns-{id}', status: 200 },
    ],
  },
  {
    name: 'lists have selectors, pages and a version to watch from',
    steps: [
      createNamespace('l-{id}'),
      ...['a', 'b', 'c'].map(
        (name): Step => ({
          ...{ method: 'POST', path: '/api/v1/namespaces/l-{id}/events', status: 201 },
          body: {
            ...event(name, 'l-{id}'),
            metadata: { name, labels: { tier: name === 'b' ? 'back' : 'front' } },
            reason: `Reason${name.toUpperCase()}`,
          },
        }),
      ),
      {
        ...{ method: 'GET', path: '/api/v1/namespaces/l-{id}/events?labelSelector=tier%20in%20(front)', status: 200 },
        facts: { 'items.0.metadata.name': 'a', 'items.1.metadata.name': 'c', 'items.2': undefined },
      },
      {
        ...{ method: 'GET', path: '/api/v1/namespaces/l-{id}/events?fieldSelector=reason!%3DReasonA', status: 200 },
        facts: { 'items.0.metadata.name': 'b', 'items.1.metadata.name': 'c' },
      },
      { method: 'GET', path: '/api/v1/namespaces/l-{id}/events?fieldSelector=spec.colour%3Dred', status: 400 },
      { method: 'GET', path: '/api/v1/namespaces/l-{id}/events?labelSelector=%3D%3D', status: 400 },
      { method: 'GET', path: '/api/v1/namespaces/l-{id}/events?continue=nonsense', status: 400 },
      {
        ...{ method: 'GET', path: '/api/v1/namespaces/l-{id}/events?limit=2', status: 200 },
        facts: { 'items.1.metadata.name': 'b', 'items.2': undefined, 'metadata.remainingItemCount': 1 },
        keep: { token: 'metadata.continue', listed: 'metadata.resourceVersion' },
      },
      { method: 'DELETE', path: '/api/v1/namespaces/l-{id}/events/c', status: 200 },
      {
        ...{ method: 'GET', path: '/api/v1/namespaces/l-{id}/events?limit=2&continue={token}', status: 200 },
        facts: { 'items.0.metadata.name': 'c', 'metadata.continue': undefined, 'metadata.resourceVersion': '{listed}' },
      },
      {
        method: 'GET',
        path: '/api/v1/namespaces/l-{id}/events?watch=true&timeoutSeconds=1&resourceVersion={listed}',
        status: 200,
        events: ['DELETED c'],
      },
      { method: 'DELETE', path: '/api/v1/namespaces/l-{id}', status: 200 },
    ],
  },
  {
    name: 'a watch begins with what is there when it names no version',
    steps: [
      create('w-{id}'),
      {
        method: 'GET',
        path: `${NETNAMESPACES}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dw-{id}`,
        status: 200,
        events: ['ADDED w-{id}'],
      },
      {
        method: 'GET',
        path: `${NETNAMESPACES}?watch=1&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name%3Dw-{id}`,
        status: 200,
        events: ['ADDED w-{id}'],
      },
      remove('w-{id}'),
    ],
  },
  {
    name: 'an object that leaves or enters a selection is deleted or added for who watches it',
    steps: [
      create('s-{id}'),
      ...['in', 'in', 'out'].map(
        (label, i): Step => ({
          ...{ method: 'PATCH', path: `${NETNAMESPACES}/s-{id}`, contentType: MERGE, status: 200 },
          body: { metadata: { labels: { 'side-{id}': label } }, netid: i },
        }),
      ),
      {
        method: 'GET',
        path: `${NETNAMESPACES}?watch=true&timeoutSeconds=1&labelSelector=side-{id}%3Din&resourceVersion={version}`,
        status: 200,
        events: ['ADDED s-{id}', 'MODIFIED s-{id}', 'DELETED s-{id}'],
      },
      remove('s-{id}'),
    ],
  },
  {
    name: 'a watch from a version that is forgotten gets 410 as its event',
    steps: [
      {
        method: 'GET',
        path: `${NETNAMESPACES}?watch=true&timeoutSeconds=5&resourceVersion=1`,
        status: 200,
        events: ['ERROR 410'],
      },
    ],
  },
];
