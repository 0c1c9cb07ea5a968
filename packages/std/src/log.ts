import type { LogKey } from './log-keys.ts';

/** Facts of one event. Keys are those of `LOG_KEYS`, so that the same thing has the same name everywhere. */
export type LogFacts = { readonly [K in LogKey]?: unknown };

/**
 * A structured log: a constant phrase that can be searched for, and facts.
 * info: state changed. warn: somebody should look, with a `remedy`. debug: the rest.
 */
export interface Logger {
  debug(phrase: string, facts?: LogFacts): void;
  info(phrase: string, facts?: LogFacts): void;
  warn(phrase: string, facts?: LogFacts): void;
  error(phrase: string, facts?: LogFacts): void;
}

/** A logger that keeps nothing, for callers that were given none. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
