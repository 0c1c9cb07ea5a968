import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TenetError } from '@tenet/std';
import { daemonLog, type LogLevel } from './daemon-log.ts';

/** A log of this level and the lines that it wrote, parsed. */
function recorded(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, log: daemonLog({ level, component: 'controller', stream }) };
}

describe('daemonLog()', () => {
  test('leaves out what is below its level', () => {
    const { lines, log } = recorded('warn');
    log.debug('one');
    log.info('two');
    log.warn('three');
    log.error('four');
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['warn', 'three'],
        ['error', 'four'],
      ],
    );
  });

  test('writes the phrase, the component, the time and the facts', () => {
    const { lines, log } = recorded('info');
    log.info('object created', { kind: 'HostSubnet', name: 'n' });
    const [line] = lines;
    assert(typeof line?.time === 'string' && !Number.isNaN(Date.parse(line.time)));
    assert.deepEqual(
      { ...line, time: undefined },
      {
        level: 'info',
        time: undefined,
        component: 'controller',
        message: 'object created',
        kind: 'HostSubnet',
        name: 'n',
      },
    );
  });

  test('spells out a failure of ours with code and remedy', () => {
    const { lines, log } = recorded('info');
    const error = new TenetError('A_CODE', 'it broke', 'mend it', {}, new Error('ENOENT'));
    log.error('stopped', { error, failures: 2 });
    const { code, remedy, failures, stack, error: sentence } = lines[0] ?? {};
    assert.deepEqual([sentence, code, remedy, failures], ['it broke: ENOENT', 'A_CODE', 'mend it', 2]);
    assert.equal(stack, undefined);
  });

  test('spells out a bug with its stack', () => {
    const { lines, log } = recorded('info');
    log.error('stopped', { error: new TypeError('no such thing') });
    assert.equal(lines[0]?.error, 'no such thing');
    assert.match(String(lines[0]?.stack), /daemon-log\.test\.ts/);
  });
});
