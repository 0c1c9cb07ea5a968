/** Where a running command says what it has done; one line a call. */
export type Print = (line: string) => void;

/** Runs a step and prints what it was with its milliseconds, whatever it was that took them. */
export type Step = <T>(title: string, run: () => Promise<T>) => Promise<T>;

/** Steps that print as they end, so that the last line before a failure is the last that went well. */
export function steps(print: Print, nowMs: () => number): Step {
  return async (title, run) => {
    const startMs = nowMs();
    const result = await run();
    print(stepLine(title, nowMs() - startMs));
    return result;
  };
}

/** The titles stand above each other, and so do the times. */
function stepLine(title: string, tookMs: number): string {
  return `  ${title.padEnd(64)} ${String(Math.round(tookMs)).padStart(6)} ms`;
}
