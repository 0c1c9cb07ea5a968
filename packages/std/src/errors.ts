/**
 * What a deliberate failure is: a code, a sentence, a remedy and the facts. Each package keeps one table of its
 * kinds; `errorKinds` turns the table into the one function that throws them.
 */
export class TenetError extends Error {
  override readonly name = 'TenetError';
  readonly code: string;
  /** What the operator should do next, starting with a verb. */
  readonly remedy: string;
  /** The values that the sentence was made from, for logs and `--json`. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: string, sentence: string, remedy: string, facts: object, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
    this.facts = { ...facts };
  }
}

/** One kind of failure: its sentence and its remedy, both made from the facts. */
export interface ErrorKind<F extends object> {
  readonly says: (facts: F) => string;
  readonly remedy: (facts: F) => string;
}

/** Declares a kind; the type argument names the facts that every throw must carry. */
export function kind<F extends object>(k: ErrorKind<F>): ErrorKind<F> {
  return k;
}

// biome-ignore lint/suspicious/noExplicitAny: the table holds kinds of different facts; `Facts` recovers each.
export type ErrorTable = Readonly<Record<string, ErrorKind<any>>>;
type Facts<K> = K extends ErrorKind<infer F> ? F : never;

/** The two ways to use a table of kinds: `error` makes one, `fail` throws it. */
export interface ErrorKinds<T extends ErrorTable> {
  readonly table: T;
  error<C extends keyof T & string>(code: C, facts: Facts<T[C]>, cause?: unknown): TenetError;
  fail<C extends keyof T & string>(code: C, facts: Facts<T[C]>, cause?: unknown): never;
}

/** Makes the thrower of a package's table of kinds. */
export function errorKinds<const T extends ErrorTable>(table: T): ErrorKinds<T> {
  function error<C extends keyof T & string>(code: C, facts: Facts<T[C]>, cause?: unknown): TenetError {
    const { says, remedy } = table[code] as ErrorKind<Facts<T[C]>>;
    return new TenetError(code, says(facts), remedy(facts), facts as object, cause);
  }
  return {
    table,
    error,
    fail(code, facts, cause) {
      throw error(code, facts, cause);
    },
  };
}

/** True for a failure of ours, with this code if one is given. */
export function isTenetError(error: unknown, code?: string): error is TenetError {
  return error instanceof TenetError && (code === undefined || error.code === code);
}

/** The sentence of anything that was thrown, with its causes behind it; a cause that comes round again ends it. */
export function sentenceOf(error: unknown): string {
  return chainOf(error, new Set()).join(': ');
}

function chainOf(error: unknown, seen: Set<unknown>): string[] {
  if (!(error instanceof Error)) return [String(error)];
  if (seen.has(error)) return [];
  seen.add(error);
  // Node's connect to a name of several addresses fails with an AggregateError that has no message of its own.
  const parts = error instanceof AggregateError ? error.errors.map((part) => chainOf(part, seen).join(': ')) : [];
  const sentence = error.message || parts.join('; ') || error.name;
  return [sentence, ...(error.cause === undefined ? [] : chainOf(error.cause, seen))];
}
