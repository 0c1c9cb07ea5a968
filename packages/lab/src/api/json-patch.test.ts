import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from './json.ts';
import { jsonPatch } from './json-patch.ts';
import { StatusError } from './status.ts';

describe('jsonPatch()', () => {
  // biome-ignore format: one patch per line
  const refused: readonly [document: Json, patch: Json, code: number][] = [
    [{}, {}, 400], [{}, ['add'], 400], [{}, [{ op: 'add', path: 'a', value: 1 }], 400],
    [{}, [{ op: 'add', path: '/a' }], 400], [{}, [{ op: 'rename', path: '/a' }], 400],
    [{}, [{ op: 'remove', path: '/a' }], 422], [{}, [{ op: 'replace', path: '/a', value: 1 }], 422],
    [{}, [{ op: 'add', path: '/a/b', value: 1 }], 422], [{ a: 1 }, [{ op: 'test', path: '/a', value: '1' }], 422],
    [[1], [{ op: 'add', path: '/2', value: 1 }], 422], [[1], [{ op: 'remove', path: '/01' }], 422],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a', path: '/a/c' }], 422], [{}, [{ op: 'copy', from: '/x', path: '/a' }], 422],
  ];
  for (const [document, patch, code] of refused) {
    test(`jsonPatch() answers ${code} to ${JSON.stringify(patch)} of ${JSON.stringify(document)}`, () => {
      assert.throws(
        () => jsonPatch(document, patch),
        (error) => error instanceof StatusError && error.code === code,
      );
    });
  }

  // Most are the examples of RFC 6902, appendix A.
  // biome-ignore format: one patch per line
  const rows: readonly [document: Json, patch: Json, result: Json][] = [
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
    [{ baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [{ foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
    [{ baz: 'qux', foo: 'bar' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { foo: 'bar', baz: 'boo' }],
    [{ foo: { bar: 'baz', waldo: 1 }, qux: {} }, [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }], { foo: { bar: 'baz' }, qux: { thud: 1 } }],
    [{ foo: ['a', 'b', 'c'] }, [{ op: 'move', from: '/foo/1', path: '/foo/2' }], { foo: ['a', 'c', 'b'] }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [{ a: { x: 1, y: [2] } }, [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }], { a: { x: 1, y: [2] } }],
    [{ '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }, { op: 'remove', path: '/~1' }], { '~1': 10 }],
    [{ foo: null }, [{ op: 'test', path: '/foo', value: null }], { foo: null }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    [[1, 2, 3], [{ op: 'replace', path: '/1', value: 9 }], [1, 9, 3]],
  ];
  for (const [document, patch, result] of rows) {
    test(`jsonPatch() makes ${JSON.stringify(result)} with ${JSON.stringify(patch)}`, () => {
      const before = JSON.stringify(document);
      assert.deepEqual(jsonPatch(document, patch), result);
      assert.equal(JSON.stringify(document), before, 'what was there is not changed in place');
    });
  }
});
