import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type KubeClient, kubeError } from '@tenet/kube';
import type { EventObject } from '@tenet/model';
import { type LogFacts, SILENT } from '@tenet/std';
import { controllerError } from './errors.ts';
import type { Refusal } from './refusal.ts';
import { RefusalReport, reasonOf } from './refusal-report.ts';

const missing = (name: string): Refusal => ({
  subject: { kind: 'Node', name, uid: `uid-${name}` },
  error: controllerError('NODE_ADDRESS_MISSING', { name }),
});

/** A report, the Events that the server took and the lines that were written. */
function stage({ failures = 0 } = {}) {
  const events: EventObject[] = [];
  const lines: LogFacts[] = [];
  let left = failures;
  const unused = () => Promise.reject(new TypeError('a report only creates Events'));
  const client: KubeClient = {
    create: async (_kind, object) => {
      const lost = { verb: 'create', path: '/', server: 'fake', problem: 'gone' };
      if (left-- > 0) throw kubeError('KUBE_UNREACHABLE', lost);
      events.push(object as EventObject);
      return object;
    },
    list: unused,
    listAs: unused,
    get: unused,
    update: unused,
    patch: unused,
    delete: unused,
    watch: () => {
      throw new TypeError('a report only creates Events');
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const log = { ...SILENT, warn: (_: string, facts: LogFacts = {}) => void lines.push(facts) };
  const clock = { nowMs: () => 1_800_000_000_000, sleep: () => Promise.resolve() };
  return { report: new RefusalReport({ client, log, clock }), events, lines };
}

describe('RefusalReport.tell()', () => {
  test('says a refusal once, in the same words to the owner and in the log', async () => {
    const { report, events, lines } = stage();
    await report.tell([missing('a'), missing('a')]);
    await report.tell([missing('a')]);
    assert.equal(events.length, 1);
    assert.equal(lines.length, 1);
    const [event] = events;
    assert.deepEqual([event?.type, event?.reason], ['Warning', 'NodeAddressMissing']);
    assert.deepEqual(
      [event?.involvedObject.kind, event?.involvedObject.name, event?.involvedObject.uid],
      ['Node', 'a', 'uid-a'],
    );
    assert.equal(event?.message, `${lines[0]?.error}; ${lines[0]?.remedy}`);
    assert.equal(lines[0]?.code, 'NODE_ADDRESS_MISSING');
  });

  test('says it again when it went away in between', async () => {
    const { report, lines } = stage();
    await report.tell([missing('a')]);
    await report.tell([missing('b')]);
    await report.tell([missing('a'), missing('b')]);
    assert.deepEqual(
      lines.map(({ name }) => name),
      ['a', 'b', 'a'],
    );
  });

  test('sends an Event again that the server did not take, without another line', async () => {
    const { report, events, lines } = stage({ failures: 2 });
    for (let at = 0; at < 5; at++) await report.tell([missing('a')]);
    assert.deepEqual([events.length, lines.length], [1, 1]);
  });
});

test('reasonOf() is the code in upper camel case', () => {
  assert.equal(reasonOf('SUBNETS_EXHAUSTED'), 'SubnetsExhausted');
  assert.equal(reasonOf('OBJECT_INVALID'), 'ObjectInvalid');
});
