import type { Logger } from '@tenet/std';
import { pino } from 'pino';

/** The log of a daemon: one JSON line an event on standard error. `TENET_LOG_LEVEL` chooses more or less than `info`. */
export function openLog(daemon: string): Logger {
  const log = pino(
    {
      level: process.env.TENET_LOG_LEVEL ?? 'info',
      base: { daemon },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    // Written before the call returns: the last lines before an end are the ones that matter.
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (phrase, facts) => log.debug(facts ?? {}, phrase),
    info: (phrase, facts) => log.info(facts ?? {}, phrase),
    warn: (phrase, facts) => log.warn(facts ?? {}, phrase),
    error: (phrase, facts) => log.error(facts ?? {}, phrase),
  };
}
