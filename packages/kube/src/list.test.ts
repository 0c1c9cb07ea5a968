import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { kubeError } from './errors.ts';
import { type Paging, pagesOf } from './list.ts';

const gone = () =>
  kubeError('KUBE_GONE', { verb: 'list', path: '/', status: 410, reason: 'Expired', message: 'too old' });
const page = (items: readonly number[] | null, next = '', resourceVersion = '7') => ({
  items,
  metadata: { resourceVersion, continue: next },
});

/** Plays answers back, and keeps what was asked. */
function server(...answers: readonly unknown[]): { asked: Paging[]; page: (paging: Paging) => Promise<unknown> } {
  const asked: Paging[] = [];
  return {
    asked,
    async page(paging) {
      const answer = answers[asked.push(paging) - 1];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

describe('pagesOf()', () => {
  for (const answer of [undefined, 'text', {}, { items: [] }, { metadata: { resourceVersion: '1' } }]) {
    test(`pagesOf() throws KUBE_MALFORMED for ${JSON.stringify(answer)}`, async () => {
      const listing = pagesOf({ page: server(answer).page, project: String });
      await assert.rejects(listing, (error) => isTenetError(error, 'KUBE_MALFORMED'));
    });
  }

  test('pagesOf() follows continue and projects each item', async () => {
    const { asked, page: ask } = server(page([1, 2], 't1'), page([3]));
    const result = await pagesOf({ page: ask, project: (n: number) => n * 10, limit: 2 });
    assert.deepEqual(result, { items: [10, 20, 30], resourceVersion: '7' });
    assert.deepEqual(asked, [
      { limit: '2', continue: undefined },
      { limit: '2', continue: 't1' },
    ]);
  });

  test('pagesOf() takes null for an empty list', async () => {
    assert.deepEqual((await pagesOf({ page: server(page(null)).page, project: String })).items, []);
  });

  test('pagesOf() starts again when the list expired between two pages, and keeps nothing of the first try', async () => {
    const { asked, page: ask } = server(page([1], 't1'), gone(), page([8, 9], '', '8'));
    const result = await pagesOf({ page: ask, project: (n: number) => n });
    assert.deepEqual(result, { items: [8, 9], resourceVersion: '8' });
    assert.equal(asked[2]?.continue, undefined);
  });

  test('pagesOf() asks for all in one piece when pages keep expiring', async () => {
    const expired = [page([1], 't'), gone()];
    const { asked, page: ask } = server(...expired, ...expired, ...expired, page([1, 2]));
    assert.deepEqual((await pagesOf({ page: ask, project: (n: number) => n })).items, [1, 2]);
    assert.deepEqual(asked.at(-1), { limit: undefined, continue: undefined });
  });

  test('pagesOf() gives up when even that expires', async () => {
    const answers = new Array(10).fill(gone());
    await assert.rejects(pagesOf({ page: server(...answers).page, project: String }), (e) =>
      isTenetError(e, 'KUBE_GONE'),
    );
  });
});
