import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, SILENT } from './log.ts';
import { LOG_KEYS } from './log-keys.ts';

test('every log key is one word in camel case with a meaning of one line', () => {
  for (const [key, meaning] of Object.entries(LOG_KEYS)) {
    assert.match(key, /^[a-z][a-zA-Z]*$/);
    assert.match(meaning, /^[^\n.]{8,100}$/, key);
  }
});

test('a logger takes the keys of LOG_KEYS and no others', () => {
  const logger: Logger = SILENT;
  assert.equal(logger.info('flows reconciled', { table: 20, added: 3, ms: 4 }), undefined);
  // @ts-expect-error the key is ofPort
  assert.equal(logger.info('port added', { ofport: 3 }), undefined);
});
