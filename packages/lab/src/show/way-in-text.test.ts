import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wayInText } from './way-in-text.ts';

const answer = (client: string) => ({ pod: 'alpha/web', client, port: 8080 });

test('wayInText() says how outside came in, who answered, and what was not as expected', () =>
  assert.deepEqual(
    wayInText([
      {
        to: '10.122.70.72:30080',
        by: 'node port of alpha/web',
        outcome: { outcome: 'answered', answer: answer('10.131.2.1'), ms: 1 },
        isAsExpected: true,
      },
      {
        to: '10.122.70.100:80 for a.example',
        by: 'external IP of r',
        outcome: { outcome: 'timeout' },
        isAsExpected: false,
      },
    ]).slice(0, 3),
    [
      'from outside:',
      '  10.122.70.72:30080              node port of alpha/web  answered by alpha/web, which saw 10.131.2.1',
      '  10.122.70.100:80 for a.example  external IP of r        timeout (NOT AS EXPECTED)',
    ],
  ));
