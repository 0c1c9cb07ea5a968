import type { KubeObject } from '@tenet/model';
import { type Asked, failKube } from './errors.ts';
import { LineSplitter } from './json-lines.ts';
import { refusalOfEvent } from './refusal.ts';

/** One event of a watch. A BOOKMARK says only how far the watch has come. */
export type WatchEvent<O> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: O }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * Turns the bytes of a watch into events, a batch for each chunk that completes some. An ERROR event is thrown as its
 * error; a last line without its newline was cut off and is dropped with the connection.
 */
export async function* decodeWatch<O extends KubeObject>(
  asked: Asked,
  chunks: AsyncIterable<Uint8Array>,
  heard: () => void = () => {},
): AsyncGenerator<WatchEvent<O>[], void, void> {
  const { verb, path } = asked;
  const lines = new LineSplitter();
  for await (const chunk of chunks) {
    heard();
    const events: WatchEvent<O>[] = [];
    let failure: unknown;
    for (const line of lines.push(chunk)) {
      try {
        events.push(eventOf<O>({ verb, path }, line));
      } catch (error) {
        failure = error;
        break;
      }
    }
    // What came before the error is true and is kept.
    if (events.length > 0) yield events;
    if (failure !== undefined) throw failure;
  }
}

function eventOf<O extends KubeObject>(asked: Asked, line: string): WatchEvent<O> {
  let event: { readonly type?: unknown; readonly object?: O };
  try {
    event = JSON.parse(line);
  } catch {
    return failKube('KUBE_MALFORMED', { ...asked, problem: `an event is not JSON: ${line.slice(0, 80)}` });
  }
  const { type, object } = event;
  if (type === 'ERROR') throw refusalOfEvent(asked, object);
  const version = object?.metadata?.resourceVersion;
  if (object === undefined || version === undefined) {
    return failKube('KUBE_MALFORMED', { ...asked, problem: `an event has no object: ${line.slice(0, 80)}` });
  }
  if (type === 'BOOKMARK') return { type, resourceVersion: version };
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object };
  return failKube('KUBE_MALFORMED', { ...asked, problem: `an event is of the unknown type ${String(type)}` });
}
