/** What every answerer says, on TCP and UDP alike: who it is and whom it sees. */
export interface Answer {
  /** `namespace/name` of a pod, or `outside`. */
  readonly pod: string;
  /** The address that the request came from, as the answerer saw it. */
  readonly client: string;
  /** The port that it was asked on. */
  readonly port: number;
}

/** One JSON line. A UDP answer is as long as its request, so that large requests try both directions: spaces fill it. */
export function formatAnswer({ pod, client, port }: Answer, lengthBytes = 0): string {
  const line = JSON.stringify({ pod, client, port });
  return `${line.padEnd(lengthBytes - 1)}\n`;
}

/** Reads what `formatAnswer` wrote; undefined for anything else. */
export function parseAnswer(text: string): Answer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pod, client, port } = value as Partial<Answer>;
  return typeof pod === 'string' && typeof client === 'string' && typeof port === 'number'
    ? { pod, client, port }
    : undefined;
}
