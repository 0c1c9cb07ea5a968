import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { runTool } from './tool.ts';

/** A tool whose child keeps its pipes open. */
const ENDLESS = ['sh', '-c', 'sleep 20; true'] as const;

test('runTool() makes TOOL_SILENT of a program that does not end, and waits no longer for it', async () => {
  const startedMs = performance.now();
  await assert.rejects(runTool({ command: [...ENDLESS], deadlineMs: 30 }), (error) => {
    assert.ok(isTenetError(error, 'TOOL_SILENT'), String(error));
    assert.match(error.message, /^sh -c sleep 20; true did not end within 30 ms/);
    return true;
  });
  assert.ok(performance.now() - startedMs < 10_000);
});

test('runTool() rejects with the reason of a signal that aborts, before or while it runs', async () => {
  const reason = new Error('enough');
  await assert.rejects(runTool({ command: [...ENDLESS], signal: AbortSignal.abort(reason) }), reason);
  const end = new AbortController();
  const running = runTool({ command: [...ENDLESS], signal: end.signal });
  end.abort(reason);
  await assert.rejects(running, reason);
});

test('runTool() makes TOOL_MISSING of a program that is not on the PATH', async () => {
  await assert.rejects(runTool({ command: ['tenet-no-such-tool'] }), (error) => isTenetError(error, 'TOOL_MISSING'));
});

test('runTool() makes TOOL_NOT_STARTED of a program that is there and may not run, with the errno and the cause', async () => {
  await assert.rejects(runTool({ command: [import.meta.dirname] }), (error) => {
    assert.ok(isTenetError(error, 'TOOL_NOT_STARTED'), String(error));
    assert.equal(error.facts.errno, 'EACCES');
    assert.match(String(error.cause), /spawn .*EACCES/);
    return true;
  });
});

test('runTool() makes TOOL_NOT_STARTED of arguments that are too long for the kernel', async () => {
  const command = ['true', 'x'.repeat(200_000)] as const;
  await assert.rejects(runTool({ command }), (error) => isTenetError(error, 'TOOL_NOT_STARTED'));
});

test('runTool() lets others go on, gives the input and returns what was printed', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  assert.equal(await runTool({ command: ['sh', '-c', 'cat; sleep 0.05'], input: 'all of it' }), 'all of it');
  clearInterval(timer);
  assert.ok(ticks > 0);
});
