import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KUBE_ERRORS } from './errors.ts';
import { refusal, refusalOfEvent } from './refusal.ts';

const ASKED = { verb: 'create', path: '/api/v1/pods' };
const status = (reason: string, message = 'said') => JSON.stringify({ kind: 'Status', reason, message });

describe('refusal()', () => {
  // biome-ignore format: one answer per line
  const rows = [
    { status: 400, text: status('BadRequest'), code: 'KUBE_REFUSED' },
    { status: 401, text: status('Unauthorized'), code: 'KUBE_UNAUTHORIZED' },
    { status: 403, text: status('Forbidden'), code: 'KUBE_FORBIDDEN' },
    { status: 404, text: status('NotFound'), code: 'KUBE_NOT_FOUND' },
    { status: 409, text: status('AlreadyExists'), code: 'KUBE_ALREADY_EXISTS' },
    { status: 409, text: status('Conflict'), code: 'KUBE_CONFLICT' },
    { status: 410, text: status('Expired'), code: 'KUBE_GONE' },
    { status: 415, text: status('UnsupportedMediaType'), code: 'KUBE_REFUSED' },
    { status: 422, text: status('Invalid'), code: 'KUBE_REFUSED' },
    { status: 429, text: status('TooManyRequests'), code: 'KUBE_UNAVAILABLE' },
    { status: 500, text: status('InternalError'), code: 'KUBE_UNAVAILABLE' },
    { status: 504, text: status('Timeout'), code: 'KUBE_UNAVAILABLE' },
  ];
  for (const { status, text, code } of rows) {
    test(`refusal() makes ${code} of ${status} ${JSON.parse(text).reason}, with the sentence of the server`, () => {
      const error = refusal(ASKED, { status, text });
      assert.equal(error.code, code);
      assert.equal(error.message, 'create /api/v1/pods: said');
      assert.equal(error.facts.reason, JSON.parse(text).reason);
      assert.equal(error.facts.status, status);
    });
  }

  test('refusal() quotes the body of a proxy in between', () => {
    const error = refusal(ASKED, { status: 502, text: '<html>Bad Gateway' });
    assert.equal(error.code, 'KUBE_UNAVAILABLE');
    assert.match(error.message, /HTTP 502 <html>Bad Gateway/);
  });

  test('refusal() says how long to wait, from the Status or else from the header', () => {
    const text = JSON.stringify({ details: { retryAfterSeconds: 3 } });
    assert.equal(refusal(ASKED, { status: 429, text, retryAfter: '9' }).facts.retryAfterMs, 3000);
    assert.equal(refusal(ASKED, { status: 429, text: '', retryAfter: '9' }).facts.retryAfterMs, 9000);
    assert.equal(refusal(ASKED, { status: 429, text: '', retryAfter: 'soon' }).facts.retryAfterMs, 0);
  });

  test('refusalOfEvent() goes by the code of the Status', () => {
    assert.equal(refusalOfEvent(ASKED, { code: 410, reason: 'Expired', message: 'too old' }).code, 'KUBE_GONE');
    assert.equal(refusalOfEvent(ASKED, undefined).code, 'KUBE_UNAVAILABLE');
  });

  test('KUBE_ERRORS has a remedy that starts with a verb for each', () => {
    const facts = {
      ...{ kubeconfig: 'f', problem: 'p', verb: 'get', path: '/', server: 's', source: 's', deadlineMs: 1 },
      ...{ status: 1, reason: 'r', message: 'm', retryAfterMs: 0 },
    };
    for (const [code, { says, remedy }] of Object.entries(KUBE_ERRORS)) {
      assert.match(remedy(facts), /^(check|choose|correct|run|wait) /, code);
      assert.doesNotMatch(says(facts), /undefined|\.$/, code);
    }
  });
});
