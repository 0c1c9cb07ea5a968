/** What became of a packet, and whether that is among what was promised. */
import type { Ip } from '@tenet/std';

export type Outcome =
  /** It left the node, or came in for a program of the node, with these addresses. */
  | { readonly kind: 'to'; readonly ip: Ip; readonly port: number; readonly source: Ip }
  /** Its sender was told "port unreachable". */
  | { readonly kind: 'refused' }
  /** Nothing more was seen of it. */
  | { readonly kind: 'dropped' };

export type Promised =
  | {
      readonly kind: 'to';
      readonly ip: Ip;
      readonly port: number;
      /** It bears one of these. */
      readonly sources: readonly Ip[];
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'dropped' };

export function isAmong(outcome: Outcome, promised: readonly Promised[]): boolean {
  return promised.some((each) => {
    if (outcome.kind !== 'to' || each.kind !== 'to') return outcome.kind === each.kind;
    const isThere = each.ip.equals(outcome.ip) && each.port === outcome.port;
    return isThere && each.sources.some((source) => source.equals(outcome.source));
  });
}

/** One line for people. */
export function inWords(outcome: Outcome | Promised): string {
  if (outcome.kind !== 'to') return outcome.kind;
  const sources = 'source' in outcome ? [outcome.source] : outcome.sources;
  return `to ${outcome.ip}:${outcome.port} from ${sources.join('|')}`;
}
