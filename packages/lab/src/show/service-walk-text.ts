import { phraseOf } from '../probe/probe-pair.ts';
import type { ServiceWalk, WalkStep } from '../walk/service-walk.ts';
import { alignColumns } from './table.ts';

/** The article's path as it happened: route, translation, flows, answer, with the packets that each step has counted. */
export function serviceWalkText(walk: ServiceWalk): string[] {
  const { node, service, to, route, translation, flows, outcome } = walk;
  return [
    `a request from ${node} to ${service}, ${to} (packets before → after):`,
    phrase('route', route),
    ...steps(translation.by, translation.steps),
    ...steps('br0', flows),
    phrase('answer', phraseOf(outcome)),
    ...(walk.isAsExpected ? [] : [COMPLAINT]),
  ];
}

const COMPLAINT = 'NOT AS EXPECTED: the pod behind the service answers, and each step counts the request';
const TITLE_WIDTH = 10;

function phrase(title: string, words: string): string {
  return `  ${title.padEnd(TITLE_WIDTH)}${words}`;
}

/** Below their title, so that rules and flows have room on a terminal; columns are each list's own. */
function steps(title: string, all: readonly WalkStep[]): string[] {
  if (all.length === 0) return [phrase(title, 'nothing')];
  const rows = all.map((step) => [`    ${step.at}`, ...packetsOf(step), step.says]);
  return [`  ${title}`, ...alignColumns(rows)];
}

/** Maps count nothing, and have no such column. */
function packetsOf({ packets }: WalkStep): string[] {
  return packets === undefined ? [] : [`${packets.before} → ${packets.after}`];
}
