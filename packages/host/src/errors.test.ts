import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { fileError, HOST_ERRORS, hostError, kernelError, refusedWith } from './errors.ts';
import { toolFailed } from './netfilter/tool.ts';

test('kernelError() says what was asked, what the number means and what the kernel said', () => {
  const error = kernelError('change the link eth0 (mtu 70000)', 22, 'mtu greater than device maximum');
  assert.equal(
    error.message,
    'cannot change the link eth0 (mtu 70000): EINVAL, invalid argument; the kernel says: mtu greater than device maximum',
  );
  assert.equal(error.facts.errno, 'EINVAL');
});

test('kernelError() survives a number that has no name', () => {
  assert.match(kernelError('x', 4242).message, /errno 4242/);
});

test('fileError() says what was to be done and why not, and leaves other errors alone', () => {
  const cause = Object.assign(new Error('EROFS: read-only file system'), { errno: -30, code: 'EROFS' });
  const error = fileError('make the directory /run/netns', cause);
  assert.ok(isTenetError(error, 'KERNEL_REFUSED'));
  assert.equal(error.message, 'cannot make the directory /run/netns: EROFS, read-only file system');
  assert.match(error.remedy, /may be written/);
  assert.equal(error.cause, cause);
  const other = new TypeError('x');
  assert.equal(fileError('x', other), other);
});

test('refusedWith() is true for one of the named errors alone', () => {
  const error = kernelError('x', 17);
  assert.equal(refusedWith(error, 'ENOENT', 'EEXIST'), true);
  assert.equal(refusedWith(error, 'ENOENT'), false);
  assert.equal(refusedWith(new Error('EEXIST'), 'EEXIST'), false);
  assert.equal(refusedWith(undefined, 'EEXIST'), false);
  // A program or a setting that is not there is no object of the kernel's that is not there.
  assert.equal(refusedWith(hostError('SYSCTL_REFUSED', { operation: 'x', errno: 'ENOENT' }), 'ENOENT'), false);
  assert.equal(refusedWith(Object.assign(new Error('x'), { facts: { errno: 'ENOENT' } }), 'ENOENT'), false);
});

test('HOST_ERRORS have upper-case codes, lower-case sentences and remedies that start with a verb', () => {
  const facts = {
    operation: 'x',
    errno: 'EPERM',
    meaning: 'm',
    path: '/p',
    link: 'l',
    command: 'c',
    status: 1,
    deadlineMs: 1,
    says: 's',
  };
  for (const code of Object.keys(HOST_ERRORS) as (keyof typeof HOST_ERRORS)[]) {
    const { message, remedy } = hostError(code, { ...facts, tries: 2, why: 'w' });
    assert.match(code, /^[A-Z]+(_[A-Z]+)+$/);
    assert.match(message, /^[a-z/].*[^.]$/, code);
    assert.match(remedy, /^(check|choose|run|remove|wait|install) /, code);
  }
});

/** Printed by iptables 1.8.9 and nft 1.0.6. */
// biome-ignore format: one row per tool
const FAILURES = [
  { name: 'iptables-nft-restore, an unknown chain', stderr: 'iptables-nft-restore: line 2 failed: No chain/target/match by that name.\n', line: 2, says: /No chain/ },
  { name: 'iptables-nft-restore, an unknown option', stderr: 'iptables-nft-restore v1.8.9 (nf_tables): unknown option "--bogus"\nError occurred at line: 3\nTry `iptables-nft-restore -h\' or \'iptables-nft-restore --help\' for more information.\n', line: 3, says: /unknown option/ },
  { name: 'iptables-restore, an unknown chain', stderr: 'iptables-restore: line 2 failed\n', line: 2, says: /line 2 failed/ },
  { name: 'nft, a syntax error', stderr: '/dev/stdin:3:8-8: Error: syntax error, unexpected newline\n  bogus\n       ^\n', line: 3, says: /unexpected newline/ },
  { name: 'a tool that says nothing', stderr: '', line: undefined, says: /no reason/ },
];
for (const { name, stderr, line, says } of FAILURES)
  test(`toolFailed() quotes the reason and the line that is at fault: ${name}`, () => {
    const error = toolFailed(['tool', '--arg'], 1, stderr, 'first\nsecond\nthird\n');
    assert.match(String(error.facts.says), says);
    const text = line === undefined ? undefined : { line, text: ['first', 'second', 'third'][line - 1] };
    assert.deepEqual(error.facts.input, text);
  });

test('toolFailed() quotes the beginning of a line that would fill a log', () => {
  const stderr = '/dev/stdin:1:1-9: Error: Could not process rule: File exists\n';
  const line = `add element ip t s { ${Array.from({ length: 5_000 }, (_, at) => at).join(', ')} }`;
  const { message } = toolFailed(['nft', '-f', '-'], 1, stderr, `${line}\n`);
  assert.match(message, /at line 1: add element ip t s \{ 0, 1, .*…$/);
  assert.ok(message.length < 400, `${message.length} characters`);
});
