const LOOK_MS = 25;

/** Waits until a look finds something, and returns it; fails with what was waited for after the deadline. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { what, deadlineMs = 10_000 }: { readonly what: string; readonly deadlineMs?: number },
): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - startMs > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
