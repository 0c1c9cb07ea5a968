import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text as textOf } from 'node:stream/consumers';
import type { TenetError } from '@tenet/std';
import { hostError } from '../errors.ts';
import { inNamespace } from '../namespace/in-namespace.ts';

/** A program to run to its end. */
export interface ToolRun {
  /** Its name on the PATH, and its arguments. */
  readonly command: readonly [name: string, ...args: string[]];
  /** What it reads from its standard input. */
  readonly input?: string;
  /** The path of the network namespace to run it in; the caller's own when left out. */
  readonly namespace?: string | undefined;
  /** Kills it; the run rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** It is killed after this time: TOOL_SILENT. 10 s when left out. */
  readonly deadlineMs?: number | undefined;
}

/** Enough for tens of thousands of rules; more is a lock that nobody lets go. */
export const TOOL_DEADLINE_MS = 10_000;

/** Runs a program while others go on. What it printed, or TOOL_FAILED, TOOL_SILENT, TOOL_NOT_STARTED, TOOL_MISSING. */
export async function runTool(run: ToolRun): Promise<string> {
  const { command, input = '', namespace, signal, deadlineMs = TOOL_DEADLINE_MS } = run;
  signal?.throwIfAborted();
  // A child is born in the namespace of the thread that forks it, before `spawn` returns.
  const start = () => born(command);
  const child = namespace === undefined ? start() : inNamespace(namespace, start);
  if (child.pid === undefined) throw notStarted(command, (await once(child, 'error'))[0]);
  // A tool that fails early closes its input: its own words say why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const cut = Promise.withResolvers<never>();
  const silent = () => cut.reject(hostError('TOOL_SILENT', { command: command.join(' '), deadlineMs }));
  const timer = setTimeout(silent, deadlineMs);
  const abort = () => cut.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const { status, stdout, stderr } = await Promise.race([endOf(child), cut.promise]);
    if (status !== 0) throw toolFailed(command, status, stderr, input);
    return stdout;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    // After a cut, without waiting for its end: what waits in the kernel may not even die, and its children have its pipes.
    child.kill('SIGKILL');
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

/** `spawn` throws some errors (ENOMEM) and emits others (ENOENT, EACCES, EAGAIN, EMFILE). */
function born(command: ToolRun['command']): ChildProcessWithoutNullStreams {
  const [name, ...args] = command;
  try {
    return spawn(name, args, { stdio: 'pipe' });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw notStarted(command, cause);
    throw cause;
  }
}

async function endOf(child: ChildProcessWithoutNullStreams) {
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[code: number | null, signal: string | null]>,
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  return { status: code ?? signal ?? 'unknown', stdout, stderr };
}

/** Only a program that is not there is missing: with no memory or no process left, nobody knows. */
function notStarted([command]: ToolRun['command'], cause: Error): TenetError {
  const errno = 'code' in cause ? String(cause.code) : cause.message;
  if (errno === 'ENOENT') return hostError('TOOL_MISSING', { command }, cause);
  return hostError('TOOL_NOT_STARTED', { command, errno }, cause);
}

/** Of a line, which may have thousands of elements of a set. */
const QUOTED_CHARACTERS = 200;

/** The error of a program that ended badly: why in its own words, and the line of the input that it names. */
export function toolFailed(
  command: readonly string[],
  status: number | string,
  stderr: string,
  input: string,
): TenetError {
  const line = lineNamedIn(stderr);
  const whole = line === undefined ? undefined : input.split('\n')[line - 1];
  const text =
    whole === undefined || whole.length <= QUOTED_CHARACTERS ? whole : `${whole.slice(0, QUOTED_CHARACTERS)}…`;
  return hostError('TOOL_FAILED', {
    command: command.join(' '),
    status,
    says: reasonIn(stderr),
    ...(line !== undefined && text !== undefined && { input: { line, text } }),
  });
}

/** `line 4: …`, `Error occurred at line: 4`, `line 4 failed` of iptables-restore; `/dev/stdin:4:1-9: Error: …` of nft. */
function lineNamedIn(stderr: string): number | undefined {
  const number = /\bline:? (\d+)|^[^\s:]+:(\d+):/m.exec(stderr)?.slice(1).find(Boolean);
  return number === undefined ? undefined : Number(number);
}

/** The first line that says something: not a version banner, not advice. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const telling = lines.filter(
    (line) => line !== '' && !/^\S+ v[\d.]+ \(\S+\):$/.test(line) && !line.startsWith('Try '),
  );
  return telling.find((line) => !/^Error occurred at line/.test(line)) ?? telling[0] ?? 'it gave no reason';
}
