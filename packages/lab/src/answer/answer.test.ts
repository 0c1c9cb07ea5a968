import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAnswer, parseAnswer } from './answer.ts';

const ANSWER = { pod: 'alpha/web', client: '10.131.2.2', port: 8080 };

for (const text of ['', '{', '[]', 'null', '{"pod":"a","client":"b"}', '{"pod":1,"client":"b","port":2}']) {
  test(`parseAnswer() is undefined when the text is ${JSON.stringify(text)}`, () =>
    assert.equal(parseAnswer(text), undefined));
}

test('formatAnswer() is one JSON line', () =>
  assert.equal(formatAnswer(ANSWER), '{"pod":"alpha/web","client":"10.131.2.2","port":8080}\n'));

test('formatAnswer() is as long as the request when that is longer, and still one JSON line', () => {
  const text = formatAnswer(ANSWER, 3000);
  assert.equal(text.length, 3000);
  assert.deepEqual(parseAnswer(text), ANSWER);
  assert.equal(text.indexOf('\n'), 2999);
});
