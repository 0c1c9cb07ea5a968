import type { ServerResponse } from 'node:http';
import type { WatchSink } from './watch-stream.ts';

/** The lines of a watch as a chunked response. A reader that takes nothing for `stallMs` is cut. */
export function responseSink(response: ServerResponse, stallMs: number): WatchSink {
  const gone = new AbortController();
  response.on('close', () => gone.abort(new DOMException('the reader of the watch is gone', 'AbortError')));
  response.on('error', () => gone.abort(new DOMException('the reader of the watch is gone', 'AbortError')));
  return {
    signal: gone.signal,
    async write(line) {
      gone.signal.throwIfAborted();
      if (response.write(line)) return;
      await new Promise<void>((resolve, reject) => {
        const stalled = setTimeout(() => response.destroy(), stallMs);
        const settle = () => {
          clearTimeout(stalled);
          response.off('drain', settle);
          gone.signal.removeEventListener('abort', settle);
          if (gone.signal.aborted) reject(gone.signal.reason);
          else resolve();
        };
        response.on('drain', settle);
        gone.signal.addEventListener('abort', settle, { once: true });
      });
    },
  };
}
