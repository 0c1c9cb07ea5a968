import { phraseOf } from '../probe/probe-pair.ts';
import type { ServiceWalk, WalkStep } from '../walk/service-walk.ts';
import { alignColumns } from './table.ts';

/** The article's path as it happened: route, translation, flows, answer, with the packets that each step has counted. */
export function serviceWalkText(walk: ServiceWalk): string[] {
  const { node, service, to, route, translation, flows, outcome } = walk;
  // Titles are a column of their own; what is one phrase takes no part in the others.
  const steps = [...translation.steps, ...flows];
  const lines = alignColumns(steps.map((step) => [step.at, packetsOf(step), step.says]));
  const split = translation.steps.length;
  const blocks: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['route', [route]],
    [translation.by, lines.slice(0, split)],
    ['br0', lines.slice(split)],
    ['answer', [phraseOf(outcome)]],
  ];
  return [
    `a request from ${node} to ${service}, ${to} (packets before → after):`,
    ...blocks.flatMap(([title, rows]) => block(title, rows)),
    ...(walk.isAsExpected ? [] : [COMPLAINT]),
  ];
}

const COMPLAINT = 'NOT AS EXPECTED: the pod behind the service answers, and each step counts the request';
const TITLE_WIDTH = 10;

function packetsOf({ packets }: WalkStep): string {
  return packets === undefined ? '' : `${packets.before} → ${packets.after}`;
}

function block(title: string, rows: readonly string[]): string[] {
  const shown = rows.length === 0 ? ['nothing'] : rows;
  return shown.map((row, at) => `  ${(at === 0 ? title : '').padEnd(TITLE_WIDTH)}${row}`);
}
