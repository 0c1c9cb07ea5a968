import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failAgent } from '../errors.ts';

/**
 * Makes a file that was not there, whole and on the disk, or none: what it says outlives a kill and a power cut.
 * LEASE_NOT_WRITTEN with the system's reason when that cannot be.
 */
export function createDurably(path: string, text: string): void {
  const draft = draftOf(path);
  attempt('write', path, () => {
    try {
      write(draft, CREATE, text, { durable: true });
      // link fails when the file is there, as rename would not: what it stands for is never given away twice.
      linkSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

/** Puts a file in the place of one that may be there: a reader finds the old one or the new one, never a half. */
export function replaceFile(path: string, text: string, { durable }: { readonly durable: boolean }): void {
  const draft = draftOf(path);
  attempt('write', path, () => {
    write(draft, CREATE, text, { durable });
    renameSync(draft, path);
  });
}

/** Adds to a file that must be there; what is added may be lost in a power cut. */
export function appendToFile(path: string, text: string): void {
  attempt('write', path, () => write(path, APPEND, text, { durable: false }));
}

/** Removes a file; one that somebody else has removed is gone as well. */
export function removeFile(path: string): void {
  attempt('remove', path, () => {
    try {
      unlinkSync(path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  });
}

/** Unlike the flag 'a' this makes no file that says nothing but its last line. */
const APPEND = constants.O_WRONLY | constants.O_APPEND;
const CREATE = 'w';

/** A name that is no file of ours yet: what is left of it after a kill goes at the next start. */
function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}`);
}

function write(
  path: string,
  flags: typeof CREATE | typeof APPEND,
  text: string,
  { durable }: { readonly durable: boolean },
): void {
  const fd = openSync(path, flags, 0o600);
  try {
    writeSync(fd, text);
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function attempt(verb: 'write' | 'remove', path: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    failAgent('LEASE_NOT_WRITTEN', { verb, path, reason }, error);
  }
}
