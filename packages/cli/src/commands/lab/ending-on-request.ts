/** What shells say of a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** Runs to the end or to the signal. Being stopped before the lab was up is no failure that needs a sentence. */
export async function endingOnRequest(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!signal.aborted) throw error;
    console.log('stopped: the lab was taken down again');
    process.exitCode = EXIT_INTERRUPTED;
  }
}
