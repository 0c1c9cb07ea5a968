import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SwitchConnection } from '@tenet/openflow/connection';
import { SILENT } from '@tenet/std';
import { SwitchSession } from './switch-session.ts';

/** A switch and a reconciler that write down what they are asked for, in order. */
function story({ sync = async () => {} }: { readonly sync?: () => Promise<void> } = {}) {
  const told: string[] = [];
  let mode = 'normal';
  const asked = {
    async setFragmentMode(wanted: string) {
      told.push(`fragments ${wanted}`);
      mode = wanted;
    },
    fragmentMode: async () => mode,
    async portDescriptions() {
      told.push('ports');
      return [];
    },
    async monitorFlows() {
      told.push('monitor');
    },
  };
  const session = new SwitchSession({
    flows: {
      attach: (flowSwitch) => void told.push(flowSwitch === undefined ? 'detach' : 'attach'),
      async sync() {
        told.push('flows');
        await sync();
      },
    },
    known: () => [],
    onForeign: () => {},
    clock: { nowMs: () => 0, sleep: async () => {} },
    log: SILENT,
    signal: new AbortController().signal,
  });
  const setMode = (other: string) => {
    mode = other;
  };
  // Of a connection the session needs no more than these.
  const connection = asked as unknown as SwitchConnection;
  return { session, connection, told, setMode };
}

describe('SwitchSession', () => {
  test('begin() sets the fragment mode, makes sure of the ports and watches before the first flow', async () => {
    const { session, connection, told } = story();
    await session.begin(connection, new AbortController().signal);
    assert.deepEqual(told, ['fragments nx-match', 'ports', 'monitor', 'attach', 'flows']);
    assert.equal(session.connection, connection);
    assert.equal(session.isMonitored, true);
  });

  test('a connection that ends is none, and nothing is sent over it', async () => {
    const { session, connection, told } = story();
    const ended = new AbortController();
    await session.begin(connection, ended.signal);
    ended.abort();
    assert.equal(session.connection, undefined);
    assert.equal(told.at(-1), 'detach');
  });

  test('keepFragmentMode() sets the mode when somebody has changed it, and else only asks', async () => {
    const { session, connection, told, setMode } = story();
    await session.keepFragmentMode();
    await session.begin(connection, new AbortController().signal);
    told.length = 0;
    await session.keepFragmentMode();
    assert.deepEqual(told, []);
    setMode('normal');
    await session.keepFragmentMode();
    assert.deepEqual(told, ['fragments nx-match']);
  });

  test('synced() waits for a switch, and for the next one when that goes in the middle', async () => {
    const ended = new AbortController();
    let passes = 0;
    const { session, connection } = story({
      async sync() {
        passes += 1;
        if (passes !== 2) return;
        ended.abort();
        throw new Error('connection lost');
      },
    });
    const { signal } = new AbortController();
    let isSynced = false;
    const synced = session.synced(signal).then(() => {
      isSynced = true;
    });
    await session.begin(connection, ended.signal);
    // The pass of the call is the second, in which the connection ends.
    await new Promise(setImmediate);
    assert.deepEqual([passes, isSynced], [2, false]);
    await session.begin(connection, new AbortController().signal);
    await synced;
    assert.equal(passes, 4);
  });

  test('synced() rejects with what the reconciler says while the switch is there, and when its signal aborts', async () => {
    let failing = false;
    const { session, connection } = story({
      async sync() {
        if (failing) throw new RangeError('refused');
      },
    });
    const waiting = new AbortController();
    const late = session.synced(waiting.signal);
    waiting.abort(new RangeError('too late'));
    await assert.rejects(late, /too late/);
    await session.begin(connection, new AbortController().signal);
    failing = true;
    await assert.rejects(session.synced(new AbortController().signal), /refused/);
  });
});
