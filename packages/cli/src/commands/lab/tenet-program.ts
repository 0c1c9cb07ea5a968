/** How to run this very program again: the runtime that runs it, and the file that it was started with. */
export const TENET_PROGRAM: readonly [string, string] = [process.execPath, process.argv[1] ?? ''];
