import { isTenetError, sentenceOf, type TenetError } from '@tenet/std';
import { agentError } from '../errors.ts';
import { OTHER_VARIANT } from '../host/iptables-variants.ts';
import type { NodeProblem, NodeStatus } from './node-status.ts';
import type { StepState } from './step-record.ts';

/** What is known of the node when it is asked what is wrong with it. */
export interface ProblemFacts {
  /** What the daemon waits for before it is ready. */
  readonly waitsFor: string | undefined;
  /** Undefined until the daemon has got as far as Open vSwitch. */
  readonly status:
    | Pick<NodeStatus, 'openvswitch' | 'iptables' | 'otherIptablesRules' | 'leases' | 'pods' | 'peers' | 'subnet'>
    | undefined;
  /** Path of the database's socket. */
  readonly database: string;
  /** Path of br0's OpenFlow socket. */
  readonly bridgeSocket: string;
  /** Why the switch did not answer when it was asked. */
  readonly unanswered: TenetError | undefined;
  readonly steps: ReadonlyMap<string, StepState>;
  /** What listens badly: metrics, the status itself; and services that are not forwarded yet. */
  readonly notServed: readonly unknown[];
}

/** The fragment mode without which the second fragment of a forged VXLAN packet passes (Nicira extensions). */
const FRAGMENT_MODE = 'nx-match';

/** Everything that is wrong with the node, the causes before what follows from them; nothing twice. */
export function nodeProblems(facts: ProblemFacts): NodeProblem[] {
  const causes = [...startProblems(facts), ...switchProblems(facts), ...hostProblems(facts)];
  const found = [...withSince(causes, facts), ...stepProblems(facts, causes), ...clusterProblems(facts)];
  for (const error of facts.notServed) found.push(problemOf(error));
  const said = new Set<string>();
  return found.filter(({ sentence }) => !said.has(sentence) && said.add(sentence));
}

function startProblems({ waitsFor }: ProblemFacts): NodeProblem[] {
  return waitsFor === undefined ? [] : [problemOf(agentError('NODE_STARTING', { waitsFor }))];
}

function switchProblems({ status, database, bridgeSocket, unanswered }: ProblemFacts): NodeProblem[] {
  if (status === undefined) return [];
  const { ovsdb, vswitchd, ports, fragmentMode, bridge } = status.openvswitch;
  const errors: TenetError[] = [];
  if (!ovsdb.connected) errors.push(agentError('OPEN_VSWITCH_NOT_READY', { database }));
  if (!vswitchd.connected) errors.push(agentError('VSWITCHD_NOT_CONNECTED', { bridge, socket: bridgeSocket }));
  else if (unanswered !== undefined) errors.push(unanswered);
  // What the database said before it was lost may be so no more.
  for (const { name: port, ofPort, expected } of ovsdb.connected ? ports : []) {
    if (ofPort === null) errors.push(agentError('PORT_MISSING', { port, bridge }));
    else if (ofPort !== expected) errors.push(agentError('PORT_MISPLACED', { port, ofPort, expected }));
  }
  if (fragmentMode !== null && fragmentMode !== FRAGMENT_MODE)
    errors.push(agentError('FRAGMENT_MODE_WRONG', { mode: fragmentMode, needed: FRAGMENT_MODE }));
  return errors.map(problemOf);
}

function hostProblems({ status }: ProblemFacts): NodeProblem[] {
  const { iptables: ours, otherIptablesRules: rules } = status ?? {};
  if ((ours !== 'nft' && ours !== 'legacy') || !rules) return [];
  return [problemOf(agentError('FOREIGN_IPTABLES_RULES', { rules, variant: OTHER_VARIANT[ours], ours }))];
}

/** The causes, with the time since when a step fails for them. */
function withSince(causes: readonly NodeProblem[], { steps }: ProblemFacts): NodeProblem[] {
  const failures = [...steps.values()].flatMap(({ failure }) => failure ?? []);
  return causes.map((cause) => {
    const sinceMs = failures.filter(({ sentence }) => sentence === cause.sentence).map((failure) => failure.sinceMs);
    return sinceMs.length === 0 ? cause : { ...cause, since: momentOf(Math.min(...sinceMs)) };
  });
}

/** The steps that fail, but for those whose cause is named already. */
function stepProblems({ steps }: ProblemFacts, causes: readonly NodeProblem[]): NodeProblem[] {
  const named = new Set(causes.map(({ sentence }) => sentence));
  return [...steps].flatMap(([step, { failure }]) => {
    if (failure === undefined || named.has(failure.sentence)) return [];
    const { sinceMs, sentence, remedy, code = null } = failure;
    return [{ code, sentence: `${step}: ${sentence}`, remedy, since: momentOf(sinceMs) }];
  });
}

function clusterProblems({ status }: ProblemFacts): NodeProblem[] {
  if (status === undefined) return [];
  const { leases, pods, peers, subnet } = status;
  const found = pods.withProblem.map(({ pod, problem, remedy }) => plain(`pod ${pod}: ${problem}`, remedy));
  for (const { name, problem } of peers.refused)
    found.push(plain(`node ${name} is left out: ${problem}`, `correct or delete HostSubnet ${name}`));
  if (leases !== null && subnet !== null && leases.used >= leases.capacity)
    found.push(problemOf(agentError('SUBNET_FULL', { subnet, leases: leases.used })));
  return found;
}

function plain(sentence: string, remedy: string): NodeProblem {
  return { code: null, sentence, remedy, since: null };
}

function problemOf(error: unknown): NodeProblem {
  if (!isTenetError(error)) return plain(sentenceOf(error), 'report this: it is a bug');
  return { code: error.code, sentence: sentenceOf(error), remedy: error.remedy, since: null };
}

function momentOf(ms: number): string {
  return new Date(ms).toISOString();
}
