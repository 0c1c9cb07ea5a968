/**
 * Files that are whole or not there, whenever the daemon is killed. They need not outlive a power cut, since no sandbox
 * does: so nothing waits for the disk, which would stop the daemon's whole event loop. What a power cut leaves may be an
 * empty file, a half one, or one that was removed before; who reads these files must bear each of them.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failAgent } from '../errors.ts';

/**
 * Makes a file, whole or not at all; false, and nothing is touched, when there is one already. LEASE_NOT_WRITTEN with the
 * system's reason when it cannot be written.
 */
export function createWhole(path: string, text: string): boolean {
  const draft = draftOf(path);
  return attempt('write', path, () => {
    try {
      writeFileSync(draft, text, { mode: MODE });
      // link fails when the file is there, as rename would not: what it stands for is never given away twice.
      linkSync(draft, path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

/** Puts a file in the place of one that may be there: a reader finds the old one or the new one, never a half. */
export function replaceFile(path: string, text: string): void {
  const draft = draftOf(path);
  attempt('write', path, () => {
    writeFileSync(draft, text, { mode: MODE });
    renameSync(draft, path);
  });
}

/** Adds to a file that must be there. */
export function appendToFile(path: string, text: string): void {
  attempt('write', path, () => {
    using file = opened(path, APPEND);
    writeFileSync(file.fd, text);
  });
}

/** Cuts a file off after its first line, for which a full disk has room too; one that is gone stays so. */
export function keepFirstLine(path: string): void {
  attempt('write', path, () => {
    using file = openedIfThere(path);
    if (file === undefined) return;
    const end = readFileSync(file.fd).indexOf('\n');
    if (end !== -1) ftruncateSync(file.fd, end + 1);
  });
}

/** Removes a file; one that somebody else has removed is gone as well. */
export function removeFile(path: string): void {
  attempt('remove', path, () => rmSync(path, { force: true }));
}

const MODE = 0o600;

/** Unlike the flag 'a' this makes no file that says nothing but its last line. */
const APPEND = constants.O_WRONLY | constants.O_APPEND;

/** A name that is no file of ours yet: what is left of it after a kill goes at the next start. */
function draftOf(path: string): string {
  return join(dirname(path), `.${basename(path)}`);
}

interface OpenFile extends Disposable {
  readonly fd: number;
}

function opened(path: string, flags: number): OpenFile {
  const fd = openSync(path, flags);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

function openedIfThere(path: string): OpenFile | undefined {
  try {
    return opened(path, constants.O_RDWR);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function attempt<T>(verb: 'write' | 'remove', path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    return failAgent('LEASE_NOT_WRITTEN', { verb, path, reason: codeOf(error) }, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
