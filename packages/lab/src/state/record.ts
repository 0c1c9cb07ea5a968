import { appendFileSync, readFileSync } from 'node:fs';
import type { LiveProcess } from './live-process.ts';

/**
 * The record of what a lab made outside of its directory. A line is written before the thing is made, so that nothing
 * can be there without one; that a line names something that was never made costs nothing. Several processes append.
 */
export type Made =
  | { readonly kind: 'namespace'; readonly path: string }
  | ({ readonly kind: 'process'; readonly name: string } & LiveProcess);

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
  if (value.kind === 'process' && 'pid' in value && 'startTicks' in value && 'name' in value) {
    return { kind: 'process', name: String(value.name), pid: Number(value.pid), startTicks: Number(value.startTicks) };
  }
  return undefined;
}
