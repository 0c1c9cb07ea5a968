import type { Answer } from '../answer/answer.ts';

/** What became of one request. */
export type Outcome =
  /** An answerer answered. */
  | { readonly outcome: 'answered'; readonly answer: Answer; readonly ms: number }
  /** The other end's kernel answered: it has no such port. The packets got there and back. */
  | { readonly outcome: 'refused' }
  /** The other end's kernel answered an echo request. */
  | { readonly outcome: 'reply'; readonly ms: number }
  /** Nothing came back. */
  | { readonly outcome: 'timeout' }
  /** The packet does not fit on the way and must not be cut. */
  | { readonly outcome: 'too-big' }
  /** The own kernel or a router said that there is no way: the name of the error. */
  | { readonly outcome: 'unreachable'; readonly errno: string }
  /** Something came that no answerer says. */
  | { readonly outcome: 'garbled'; readonly text: string };

/** What an error of a socket says of the way. */
export function outcomeOfError(errno: string): Outcome {
  switch (errno) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return { outcome: 'refused' };
    case 'EMSGSIZE':
      return { outcome: 'too-big' };
    case 'ETIMEDOUT':
      return { outcome: 'timeout' };
    default:
      return { outcome: 'unreachable', errno };
  }
}

/** True when packets got to the other end and back. */
export function isReached({ outcome }: Outcome): boolean {
  return outcome === 'answered' || outcome === 'refused' || outcome === 'reply';
}
