/** By how much deadlines grow on a machine that is slower than those that they are meant for. */
export const PATIENCE = Number(process.env.TENET_LAB_PATIENCE ?? 1);

/** A look may cost a process, of which a slow machine starts a few a second. */
const LOOK_MS = 25 * PATIENCE;

/** Waits until a look finds something, and returns it; fails with what was waited for after the deadline. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { what, deadlineMs = 10_000 }: { readonly what: string; readonly deadlineMs?: number },
): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - startMs > deadlineMs * PATIENCE)
      throw new Error(`not within ${deadlineMs * PATIENCE} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
