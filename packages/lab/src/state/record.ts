import { appendFileSync, readFileSync } from 'node:fs';
import type { LiveProcess } from './live-process.ts';

/**
 * The record of what a lab made outside of its directory. A line is written before the thing is made, so that nothing
 * can be there without one; that a line names something that was never made costs nothing. Several processes append.
 */
export type Made =
  | { readonly kind: 'namespace'; readonly path: string }
  | ({ readonly kind: 'process'; readonly spec: DaemonSpec } & LiveProcess);

/** A process that the lab starts and that outlives whoever started it: all that it takes to start it again. */
export interface DaemonSpec {
  /** Its name in the record, in messages and of its log: `dt-infra1/agent`. */
  readonly name: string;
  /** The path of the network namespace that it runs in; the machine's own without. */
  readonly namespace?: string;
  /** Program and arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Adds a line. A line is shorter than a page and the file is opened for appending, so that writers do not mix. */
export function remember(file: string, made: Made): void {
  appendFileSync(file, `${JSON.stringify(made)}\n`, { mode: 0o600 });
}

/** Everything on record, in the order in which it was made. Nothing when there is no record. */
export function readRecord(file: string): Made[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return parseRecord(text);
}

/** The lines of a record; a last line that was cut short by a kill -9 announced nothing that was made. */
export function parseRecord(text: string): Made[] {
  return text.split('\n').flatMap((line) => {
    const made = line === '' ? undefined : parseLine(line);
    return made ?? [];
  });
}

function parseLine(line: string): Made | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  if (value.kind === 'namespace' && 'path' in value && typeof value.path === 'string') {
    return { kind: 'namespace', path: value.path };
  }
  if (value.kind === 'process' && 'pid' in value && 'startTicks' in value && 'spec' in value && isSpec(value.spec)) {
    return { kind: 'process', spec: value.spec, pid: Number(value.pid), startTicks: Number(value.startTicks) };
  }
  return undefined;
}

/** Only `remember` writes these lines: what has a name and a command is whole. */
function isSpec(value: unknown): value is DaemonSpec {
  return typeof value === 'object' && value !== null && 'name' in value && 'command' in value;
}
