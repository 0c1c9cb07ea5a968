import { closeSync, openSync, stat, writeSync } from 'node:fs';
import { failHost, fileError } from '../errors.ts';
import { libc } from '../native.ts';
import { checked } from '../system-call.ts';
import { CLONE_NEWNET } from './constants.ts';

/** A value that is there when the function returns: no promise, and nothing that makes promises later. */
export type Synchronous<T> = T extends PromiseLike<unknown> | AsyncIterator<unknown> ? never : T;

/** The namespace that this thread is in, as an open file; the first is the process's own and stays open for good. */
let here: number | undefined;

/**
 * Runs a function with this thread inside the network namespace at `path`, and comes back. Sockets made inside belong
 * to that namespace for good and are usable from outside; children started inside stay in it.
 *
 * The function is synchronous by type, because anything asynchronous would run elsewhere: on a pool thread, which is
 * at home, or after the return. Returning a promise in spite of the type is a TypeError. A process that cannot come
 * back would go on in a tenant's namespace: it aborts.
 */
export function inNamespace<T>(path: string, run: () => Synchronous<T>): T {
  const there = openNamespace(path);
  try {
    return andComeBack(() => {
      checked(`enter the network namespace ${path}`, libc().setns(there, CLONE_NEWNET));
      here = there;
      return mustBeSynchronous(run());
    });
  } finally {
    closeSync(there);
  }
}

/** Runs a function that may leave the network namespace, and returns to it. */
export function andComeBack<T>(run: () => T): T {
  startThreadPool();
  here ??= openSync('/proc/thread-self/ns/net', 'r');
  const back = here;
  try {
    return run();
  } finally {
    here = back;
    if (libc().setns(back, CLONE_NEWNET) < 0) {
      writeSync(2, `tenet: cannot come back from a network namespace (errno ${libc().errno()}): aborting\n`);
      process.abort();
    }
  }
}

/** Opens the file of a namespace, for setns(2) or for an attribute like IFLA_NET_NS_FD. The caller closes it. */
export function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      failHost('NAMESPACE_NOT_FOUND', { path }, cause);
    throw fileError(`open the network namespace ${path}`, cause);
  }
}

let poolStarted = false;

/**
 * libuv starts its pool at the first request for it, all threads before that call returns, and each thread keeps the
 * namespace in which it was born. So one request is made at home before this thread first leaves.
 */
function startThreadPool(): void {
  if (poolStarted) return;
  poolStarted = true;
  stat('/', () => {});
}

function mustBeSynchronous<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if ('then' in value || Symbol.asyncIterator in value)
    throw new TypeError('a function run in another network namespace must be synchronous, but it returned a promise');
  return value;
}
