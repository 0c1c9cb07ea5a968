import { isTenetError, sentenceOf } from '@tenet/std';

/**
 * Prints a failure as an operator reads it: the sentence, what to do about it, the code. What is not one of ours is
 * a bug, and its stack is what helps.
 */
export function printFailure(error: unknown, write: (line: string) => void = (line) => console.error(line)): void {
  if (!isTenetError(error)) {
    write(`tenet: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return;
  }
  write(`tenet: ${error.message}`);
  write(`     ${error.remedy}`);
  write(`     ${error.code}${error.cause === undefined ? '' : ` · caused by ${sentenceOf(error.cause)}`}`);
}
