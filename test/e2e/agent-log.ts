import { existsSync, readFileSync } from 'node:fs';
import { eventually } from '../eventually.ts';
import type { PrivateLab } from './private-lab.ts';

/** A line of a daemon's log: a constant phrase with facts. */
interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly [fact: string]: unknown;
}

/** The log of a daemon of the lab from now on, whichever process writes it. */
export interface LogSince {
  lines(): LogLine[];
  /** Waits for a line with this phrase. */
  says(message: string): Promise<LogLine>;
}

const DEADLINE_MS = 30_000;

/** Follows the log of `dt-infra1/agent` or another daemon. */
export function logSince({ paths }: Pick<PrivateLab, 'paths'>, daemon: string): LogSince {
  const file = paths.log(daemon);
  const read = () => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0));
  const start = read().length;
  const lines = () => {
    const text = read().subarray(start).toString();
    // The last line may be half written.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return whole.filter((line) => line.startsWith('{')).map((line): LogLine => JSON.parse(line));
  };
  return {
    lines,
    says: (message) =>
      eventually(() => lines().find((line) => line.message === message), {
        what: `${daemon} says "${message}"`,
        deadlineMs: DEADLINE_MS,
      }),
  };
}
