import { fileURLToPath } from 'node:url';

/** How to run this very program again: the runtime that runs it, and its main file. */
export const TENET_PROGRAM: readonly [string, string] = [
  process.execPath,
  fileURLToPath(new URL('../../main.ts', import.meta.url)),
];
