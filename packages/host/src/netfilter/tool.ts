import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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
}

/** Large enough for the rules of tens of thousands of services. */
const OUTPUT_LIMIT_BYTES = 512 * 1024 * 1024;

/** Runs a program and waits for it here: for short ones. What it printed, or TOOL_FAILED, TOOL_MISSING. */
export function runToolSync({ command, input = '', namespace }: ToolRun): string {
  const [name, ...args] = command;
  const run = () => spawnSync(name, args, { input, encoding: 'utf8', maxBuffer: OUTPUT_LIMIT_BYTES });
  const { error, status, signal, stdout, stderr } = namespace === undefined ? run() : inNamespace(namespace, run);
  if (error) throw toolMissing(command, error);
  if (status !== 0) throw toolFailed(command, status ?? signal ?? 'unknown', stderr, input);
  return stdout;
}

/** Runs a program while others go on. What it printed, or TOOL_FAILED, TOOL_MISSING; ending it through the signal. */
export async function runTool({ command, input = '', namespace }: ToolRun, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const [name, ...args] = command;
  // A child is born in the namespace of the thread that forks it, before `spawn` returns.
  const start = () => spawn(name, args, { stdio: 'pipe', ...(signal && { signal }) });
  const child = namespace === undefined ? start() : inNamespace(namespace, start);
  // A tool that fails early closes its input: its own words say why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [status, stdout, stderr] = await Promise.all([
    endOf(child, command),
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  if (status !== 0) throw toolFailed(command, status, stderr, input);
  return stdout;
}

function endOf(child: ChildProcess, command: readonly string[]): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(error.name === 'AbortError' ? error : toolMissing(command, error)));
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

function toolMissing(command: readonly string[], cause: Error): TenetError {
  return hostError('TOOL_MISSING', { command: command[0] ?? '' }, cause);
}

/** The error of a program that ended badly: why in its own words, and the line of the input that it names. */
export function toolFailed(
  command: readonly string[],
  status: number | string,
  stderr: string,
  input: string,
): TenetError {
  const line = lineNamedIn(stderr);
  const text = line === undefined ? undefined : input.split('\n')[line - 1];
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
