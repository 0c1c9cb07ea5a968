import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Clock, fromHex, type LogFacts, type Logger, SILENT } from '@tenet/std';
import { OPENFLOW_14 } from '../index.ts';
import { connectionError } from './errors.ts';
import { keepConnected } from './keep-connected.ts';

const HELLO = fromHex('05000010 00000001 00010008 00000020');

test('keepConnected() runs its callback on each connection and waits between failures', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenet-openflow-'));
  const path = join(directory, 'br0.mgmt');
  const peers: Socket[] = [];
  const server = createServer((socket) => {
    peers.push(socket.resume());
    socket.on('error', () => {});
    socket.write(HELLO);
  });
  const abort = new AbortController();
  const slept: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    async sleep(ms) {
      slept.push(ms);
      if (slept.length === 2) await new Promise<void>((resolve) => server.listen(path, resolve));
    },
  };
  let connected = 0;
  try {
    await keepConnected({
      ...{ path, clock, log: SILENT, signal: abort.signal, random: () => 0, backoff: { firstMs: 100, maxMs: 400 } },
      async onConnected(connection, signal) {
        connected++;
        if (connected === 1) throw new RangeError('the first try does not please us');
        assert.equal(connection.version, OPENFLOW_14);
        if (connected === 2) {
          peers[1]?.destroy();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        } else abort.abort();
      },
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  }
  assert.equal(connected, 3);
  // Twice nobody listened, then the callback failed; the connection after it was fine, so counting starts again.
  assert.deepEqual(slept, [50, 75, 50, 50]);
});

test('keepConnected() asks often while nobody listens, and less and less often who accepts and drops', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenet-openflow-'));
  const path = join(directory, 'br0.mgmt');
  const dropping = createServer((socket) => socket.destroy());
  const abort = new AbortController();
  const slept: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    async sleep(ms) {
      slept.push(ms);
      if (slept.length === 6) await new Promise<void>((resolve) => dropping.listen(path, resolve));
      if (slept.length === 15) await new Promise((resolve) => dropping.close(resolve));
      if (slept.length === 19) abort.abort();
    },
  };
  try {
    await keepConnected({
      ...{ path, clock, log: SILENT, signal: abort.signal, random: () => 1 },
      onConnected: () => assert.fail('there is no switch'),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
  assert.deepEqual(slept.slice(0, 6), [50, 100, 150, 150, 150, 150]);
  assert.deepEqual(slept.slice(6, 15), [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  assert.deepEqual(slept.slice(15), [50, 100, 150, 150]);
});

test('keepConnected() counts a socket that nobody has any more as one where nobody listens', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenet-openflow-'));
  const path = join(directory, 'br0.mgmt');
  await leaveSocketBehind(path);
  const abort = new AbortController();
  const slept: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    async sleep(ms) {
      if (slept.push(ms) === 4) abort.abort();
    },
  };
  try {
    await keepConnected({
      ...{ path, clock, log: SILENT, signal: abort.signal, random: () => 1 },
      onConnected: () => assert.fail('there is no switch'),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
  assert.deepEqual(slept, [50, 100, 150, 150]);
});

test('keepConnected() logs what was wrong with its own remedy, loudly only while that is news', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tenet-openflow-'));
  const path = join(directory, 'br0.mgmt');
  const server = createServer((socket) => {
    socket.on('error', () => {}).resume();
    socket.write(HELLO);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const abort = new AbortController();
  const refused = connectionError('OPENFLOW_FRAGMENT_MODE_REFUSED', { wanted: 'nx-match', actual: 'normal' });
  const outcomes = [refused, refused, new RangeError('a mistake'), undefined];
  const lines: [level: string, phrase: string, facts: LogFacts][] = [];
  try {
    await keepConnected({
      path,
      signal: abort.signal,
      log: recorder(lines),
      clock: { nowMs: () => 0, sleep: async () => {} },
      async onConnected(connection) {
        const failure = outcomes.shift();
        if (failure !== undefined) throw failure;
        void connection.closed.then(() => abort.abort());
        await connection[Symbol.asyncDispose]();
      },
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  }
  const { code, message: reason, remedy } = refused;
  const notSetUp = 'switch connected but not set up';
  const unforeseen = 'report this failure: it is a mistake of the program';
  assert.deepEqual(lines, [
    ['warn', notSetUp, { path, failures: 0, code, reason, remedy }],
    ['debug', notSetUp, { path, failures: 1, code, reason, remedy }],
    ['warn', notSetUp, { path, failures: 2, code: undefined, reason: 'a mistake', remedy: unforeseen }],
    ['info', 'switch connected', { path, version: OPENFLOW_14 }],
  ]);
});

/** What a killed switch leaves: a socket file whose owner is gone. Closing a server would remove it. */
async function leaveSocketBehind(path: string): Promise<void> {
  const listen = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', listen, path], { stdio: 'ignore' }), 'exit');
}

function recorder(lines: [level: string, phrase: string, facts: LogFacts][]): Logger {
  const at =
    (level: string) =>
    (phrase: string, facts: LogFacts = {}) =>
      void lines.push([level, phrase, facts]);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
