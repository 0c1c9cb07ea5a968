import { isTenetError, type LogFacts, type Logger, sentenceOf } from '@tenet/std';
import { type DestinationStream, destination, pino } from 'pino';

/** What a daemon may be told to say, from all to least. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Settings of `daemonLog`. */
export interface DaemonLogOptions {
  readonly level: LogLevel;
  /** Which daemon speaks: `node`, `controller`. */
  readonly component: string;
  /** Where the lines go; standard error unless told. */
  readonly stream?: DestinationStream;
}

/**
 * A daemon's log: JSON lines, written at once, so that the last one is there after a crash. An Error among the facts
 * is spelled out as its sentence, with code and remedy when it is one of ours and its stack when it is a bug.
 */
export function daemonLog({ level, component, stream = destination({ fd: 2, sync: true }) }: DaemonLogOptions): Logger {
  const log = pino(
    {
      level,
      base: { component },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    debug: (phrase, facts) => log.debug(spelled(facts), phrase),
    info: (phrase, facts) => log.info(spelled(facts), phrase),
    warn: (phrase, facts) => log.warn(spelled(facts), phrase),
    error: (phrase, facts) => log.error(spelled(facts), phrase),
  };
}

function spelled(facts: LogFacts = {}): Record<string, unknown> {
  const { error } = facts;
  if (!(error instanceof Error)) return { ...facts };
  const sentence = { ...facts, error: sentenceOf(error) };
  return isTenetError(error)
    ? { code: error.code, remedy: error.remedy, ...sentence }
    : { ...sentence, stack: error.stack };
}
