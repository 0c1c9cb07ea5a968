/**
 * What a container runtime executes (CNI 1.1.0). It hands the call to the node's daemon and prints the answer; all
 * that is decided is decided there.
 */
import { readFileSync, writeSync } from 'node:fs';
import { answer } from './answer.ts';
import { ask } from './ask.ts';
import { hasPods } from './has-pods.ts';

const STDIN = 0;
const STDOUT = 1;

// Bundled as CommonJS, which has no await at its top: see tools/build.ts. A rejection ends the process with status 1.
void main();

async function main(): Promise<void> {
  const stdin = readFileSync(STDIN, 'utf8');
  const { print, status } = await answer({ environment: process.env, stdin, ask, hasPods });
  if (print !== '') writeSync(STDOUT, `${print}\n`);
  process.exitCode = status;
}
