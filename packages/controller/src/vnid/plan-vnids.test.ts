import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ANNOTATION, type NetNamespaceObject } from '@tenet/model';
import fc from 'fast-check';
import { NAMESPACE_UID, planVnids, type VnidPlan } from './plan-vnids.ts';

const unmarked = (name: string, netid: number, request?: string): NetNamespaceObject => ({
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: '7',
    annotations: request === undefined ? {} : { [ANNOTATION.changeNetwork]: request },
  },
  netname: name,
  netid,
});

/** One that has been seen together with its Namespace. */
function netNamespace(name: string, netid: number, request?: string): NetNamespaceObject {
  const { metadata, ...rest } = unmarked(name, netid, request);
  return {
    metadata: { ...metadata, annotations: { ...metadata.annotations, [NAMESPACE_UID]: `ns-${name}` } },
    ...rest,
  };
}

function plan(
  names: readonly string[],
  objects: readonly NetNamespaceObject[],
  { random = () => 0, globals = ['default'] }: { random?: () => number; globals?: readonly string[] } = {},
): VnidPlan {
  const namespaces = new Map(names.map((name) => [name, { metadata: { name, uid: `ns-${name}` } }]));
  const netNamespaces = new Map(objects.map((object) => [object.metadata.name, object]));
  return planVnids({ namespaces, netNamespaces, globalNamespaces: new Set(globals) }, { random });
}

const isAsking = ({ metadata }: NetNamespaceObject) => metadata.annotations?.[ANNOTATION.changeNetwork] !== undefined;

/** A plan for projects that all have their Namespace. */
const answered = (...objects: readonly NetNamespaceObject[]) =>
  plan(
    objects.map(({ metadata }) => metadata.name),
    objects,
  );

const said = ({ refusals }: VnidPlan) =>
  refusals.map(({ subject, error }) => `${subject.kind}/${subject.name} ${error.code}`);

/** What each project gets. */
const numbers = ({ actions }: VnidPlan) =>
  actions.map((action) => {
    if (action.verb === 'delete') return `delete ${action.name}`;
    const { netid } = action.verb === 'patch' ? action.patch : action.object;
    return `${action.verb} ${action.name} ${netid}`;
  });

// biome-ignore format: one row per line
const REFUSED: readonly [why: string, request: string, on: string, says: RegExp][] = [
  ['a word that is no request',  'nonsense',     'a',       /change-network "nonsense" of project a is none of global, isolate and join:<project>$/],
  ['an empty request',           '',             'a',       /is none of/],
  ['a join of nobody',           'join:',        'a',       /is none of/],
  ['a join of two',              'join:b:c',     'a',       /is none of/],
  ['a join of a stranger',       'join:nowhere', 'a',       /names nowhere, which has no valid NetNamespace$/],
  ['the isolation of default',   'isolate',      'default', /is impossible: all projects need to reach default$/],
];

describe('planVnids() refuses', () => {
  for (const [why, request, on, says] of REFUSED) {
    test(`${why}, and leaves the object as it is`, () => {
      const result = answered(netNamespace(on, on === 'default' ? 0 : 10, request));
      assert.deepEqual(result.actions, []);
      assert.deepEqual(said(result), [`NetNamespace/${on} CHANGE_REQUEST_REFUSED`]);
      assert.match(result.refusals[0]?.error.message ?? '', says);
    });
  }

  for (const [why, object, code] of [
    ['a netid of 25 bits', netNamespace('a', 0x100_0000), 'VNID_OUT_OF_RANGE'],
    ['another netname', { ...netNamespace('a', 10), netname: 'b' }, 'OBJECT_INVALID'],
  ] as const) {
    test(`a NetNamespace with ${why}, and neither changes it nor lets others join it`, () => {
      const result = answered(object, netNamespace('b', 11, 'join:a'));
      assert.deepEqual(result.actions, []);
      assert.deepEqual(said(result), [`NetNamespace/a ${code}`, 'NetNamespace/b CHANGE_REQUEST_REFUSED']);
    });
  }
});

describe('planVnids() plans', () => {
  test('nothing when all is as it should be', () => {
    const result = answered(netNamespace('default', 0), netNamespace('a', 10), netNamespace('b', 10));
    assert.deepEqual([result.actions, result.refusals], [[], []]);
  });

  test('0 for global namespaces and a number of its own for each other', () => {
    const result = plan(['default', 'kube-system', 'a', 'b'], [], { globals: ['default', 'kube-system'] });
    assert.deepEqual(numbers(result), ['create a 10', 'create b 11', 'create default 0', 'create kube-system 0']);
    const [first] = result.actions;
    assert(first?.verb === 'create');
    assert.deepEqual(first.object, {
      apiVersion: 'network.openshift.io/v1',
      kind: 'NetNamespace',
      metadata: { name: 'a', annotations: { [NAMESPACE_UID]: 'ns-a' } },
      netname: 'a',
      netid: 10,
    });
  });

  test('no other number for a global namespace that has one', () => {
    assert.deepEqual(answered(netNamespace('default', 12)).actions, []);
  });

  test('a number that nobody has, also not a project that goes', () => {
    assert.deepEqual(numbers(plan(['c'], [netNamespace('a', 10), netNamespace('b', 11)])), [
      'delete a',
      'delete b',
      'create c 12',
    ]);
  });

  test('to delete what has lost its Namespace, unless that is there after all', () => {
    const [action] = plan([], [netNamespace('a', 10, 'global')]).actions;
    assert(action?.verb === 'delete');
    assert.deepEqual([action.uid, action.unless], ['uid-a', { kind: 'Namespace', name: 'a', uid: 'ns-a' }]);
  });

  test('to delete what was for another Namespace of that name', () => {
    const { metadata, ...rest } = netNamespace('a', 10);
    const of = { ...rest, metadata: { ...metadata, annotations: { [NAMESPACE_UID]: 'ns-old' } } };
    const [action, ...more] = answered(of).actions;
    assert(action?.verb === 'delete' && more.length === 0);
    assert.deepEqual(action.unless, { kind: 'Namespace', name: 'a', uid: 'ns-old' });
  });

  test('nothing for one that was made before its Namespace, whose number nobody else gets', () => {
    assert.deepEqual(numbers(plan(['b'], [unmarked('a', 10)])), ['create b 11']);
  });

  test('to write its Namespace on one that was made before that, in one patch with the answer to its request', () => {
    const [mark] = answered(unmarked('a', 10)).actions;
    assert(mark?.verb === 'patch');
    const metadata = { resourceVersion: '7', annotations: { [NAMESPACE_UID]: 'ns-a' } };
    assert.deepEqual(mark.patch, { metadata });
    const [both, ...more] = answered(unmarked('a', 10, 'global')).actions;
    assert(both?.verb === 'patch' && more.length === 0);
    const annotations = { ...metadata.annotations, [ANNOTATION.changeNetwork]: null };
    assert.deepEqual(both.patch, { metadata: { ...metadata, annotations }, netid: 0 });
  });

  test('one patch that writes the number and removes the request', () => {
    const [action] = answered(netNamespace('a', 10, 'global')).actions;
    assert(action?.verb === 'patch');
    const annotations = { [ANNOTATION.changeNetwork]: null };
    assert.deepEqual(action.patch, { metadata: { resourceVersion: '7', annotations }, netid: 0 });
  });

  // biome-ignore format: one row per line
  const ANSWERS: readonly [why: string, objects: readonly NetNamespaceObject[], answers: readonly string[]][] = [
    ['the number of the project that is joined',   [netNamespace('a', 10, 'join:b'), netNamespace('b', 11)],            ['patch a 11']],
    ['0 for who joins a global project',           [netNamespace('a', 10, 'join:default'), netNamespace('default', 0)], ['patch a 0']],
    ['the same number for who joins itself',       [netNamespace('a', 10, 'join:a')],                                   ['patch a 10']],
    ['a new number for a global that is isolated', [netNamespace('a', 0, 'isolate')],                                   ['patch a 10']],
    ['the same number for who is alone already',   [netNamespace('a', 99, 'isolate')],                                  ['patch a 99']],
    ['a reserved number to who is alone with it',  [netNamespace('a', 1, 'isolate')],                                   ['patch a 1']],
    ['a new number for who shares one',            [netNamespace('a', 10, 'isolate'), netNamespace('b', 10)],           ['patch a 11']],
    ['the shared number to the last of two',       [netNamespace('a', 10, 'isolate'), netNamespace('b', 10, 'isolate')], ['patch a 11', 'patch b 10']],
    ['a join only once its target has changed',    [netNamespace('a', 10, 'join:b'), netNamespace('b', 0, 'isolate')],  ['patch b 11']],
  ];
  for (const [why, objects, answers] of ANSWERS) {
    test(why, () => {
      const result = answered(...objects);
      assert.deepEqual(numbers(result), answers);
      assert.deepEqual(result.refusals, []);
    });
  }

  test('a join of one whose own join is refused, at once', () => {
    const result = answered(netNamespace('a', 10, 'join:b'), netNamespace('b', 11, 'join:nowhere'));
    assert.deepEqual(numbers(result), ['patch a 11']);
    assert.deepEqual(said(result), ['NetNamespace/b CHANGE_REQUEST_REFUSED']);
  });
});

test('planVnids() leaves every request answered and every isolated project alone, whatever is asked for', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const project = fc.record({
    netid: fc.integer({ min: 8, max: 13 }).map((netid) => (netid === 8 ? 0 : netid)),
    request: fc.option(fc.constantFrom('global', 'isolate', 'join:a', 'join:b', 'join:c'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(project, { minLength: 5, maxLength: 5 }), (projects) => {
      let objects = projects.map(({ netid, request }, at) => netNamespace(names[at] ?? '', netid, request));
      const isolated = new Set<string>();
      for (let passes = 0; objects.some(isAsking); passes++) {
        assert(passes < 6, 'not answered after 6 passes');
        const { actions, refusals } = plan(names, objects);
        assert.deepEqual(refusals, []);
        for (const action of actions) {
          assert(action.verb === 'patch' && typeof action.patch.netid === 'number');
          const { name } = action;
          const asked = action.from.metadata.annotations?.[ANNOTATION.changeNetwork];
          if (asked === 'isolate') isolated.add(name);
          if (asked?.startsWith('join:')) isolated.delete(asked.slice(5));
          const changed = netNamespace(name, action.patch.netid);
          objects = objects.map((object) => (object.metadata.name === name ? changed : object));
        }
      }
      for (const name of isolated) {
        const netid = objects.find(({ metadata }) => metadata.name === name)?.netid;
        assert.notEqual(netid, 0);
        const others = objects.filter((object) => object.metadata.name !== name && object.netid === netid);
        const joined = projects.some(({ request }) => request === `join:${name}`);
        assert(joined || others.length === 0, `${name} is not alone`);
      }
    }),
    { numRuns: 500 },
  );
});
