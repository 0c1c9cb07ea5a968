import type { Endpoint } from './endpoint.ts';
import type { Expectation } from './expectation.ts';
import { isReached, type Outcome } from './outcome.ts';
import { probePing } from './probe-ping.ts';
import { probeTcp } from './probe-tcp.ts';
import { probeUdp } from './probe-udp.ts';

export const PROBED = ['TCP', 'UDP', 'ICMP'] as const;

/** What became of one request of each protocol. */
export type PairOutcome = Readonly<Record<(typeof PROBED)[number], Outcome>>;

/** Sends one request of each protocol, all at the same time. */
export async function probePair(from: Endpoint, to: Endpoint, timeoutMs: number): Promise<PairOutcome> {
  const target = { namespace: from.namespace, to: to.ip, timeoutMs };
  const [TCP, UDP, ICMP] = await Promise.all([probeTcp(target), probeUdp(target), probePing(target)]);
  return { TCP, UDP, ICMP };
}

/** True when what was seen is what was expected. Who answered, and whom it saw, counts too. */
export function isAsExpected(expectation: Expectation, to: Endpoint, outcome: PairOutcome): boolean {
  return PROBED.every((protocol) => {
    const seen = outcome[protocol];
    if (expectation.kind !== 'reaches') return seen.outcome === 'timeout' || seen.outcome === 'unreachable';
    if (protocol === 'ICMP') return seen.outcome === 'reply';
    // Nothing listens on nodes: their kernels answer.
    if (to.kind === 'node') return seen.outcome === 'refused';
    return (
      seen.outcome === 'answered' && seen.answer.pod === to.name && seen.answer.client === String(expectation.client)
    );
  });
}

/** One word for all three when they agree. */
export function wordOf(outcome: PairOutcome): string {
  const reached = PROBED.filter((protocol) => isReached(outcome[protocol]));
  if (reached.length === PROBED.length) return 'reaches';
  if (reached.length > 0) return `${reached.join('+')} only`;
  return PROBED.some((protocol) => outcome[protocol].outcome === 'unreachable') ? 'no route' : 'blocked';
}

/** The three outcomes in full: `TCP timeout, UDP answered by alpha/web, which saw 10.131.2.2, ICMP reply`. */
export function sentenceOfPair(outcome: PairOutcome): string {
  return PROBED.map((protocol) => `${protocol} ${phraseOf(outcome[protocol])}`).join(', ');
}

/** `answered by alpha/web, which saw 10.131.2.2`. */
export function phraseOf(outcome: Outcome): string {
  switch (outcome.outcome) {
    case 'answered':
      return `answered by ${outcome.answer.pod}, which saw ${outcome.answer.client}`;
    case 'unreachable':
      return `unreachable (${outcome.errno})`;
    case 'garbled':
      return `garbled (${JSON.stringify(outcome.text.slice(0, 40))})`;
    case 'too-big':
      return 'too big';
    case 'refused':
    case 'reply':
    case 'timeout':
      return outcome.outcome;
  }
}
