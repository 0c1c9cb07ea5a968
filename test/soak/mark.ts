/** What a probe carries, so that whoever hears it knows who sent it, to whom and how. */
export interface Mark {
  /** The UID of the pod that sent it. */
  readonly from: string;
  /** The UID of the pod that it was meant for. */
  readonly to: string;
  /** What kind of frame it was. */
  readonly how: string;
}

const START = 'tenet-churn ';

/** A mark as bytes: ASCII, so that it is found wherever in a frame it ends up. */
export function markBytes({ from, to, how }: Mark): Uint8Array {
  return Buffer.from(`${START}${from} ${to} ${how};`, 'latin1');
}

/** The mark in a frame; undefined when there is none. */
export function markIn(frame: Uint8Array): Mark | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const at = bytes.indexOf(START, 0, 'latin1');
  const found = at < 0 ? null : /^(\S+) (\S+) ([^;]+);/.exec(bytes.toString('latin1', at + START.length));
  if (found === null) return undefined;
  const [, from = '', to = '', how = ''] = found;
  return { from, to, how };
}
