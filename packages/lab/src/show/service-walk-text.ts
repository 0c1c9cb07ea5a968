import { phraseOf } from '../probe/probe-pair.ts';
import type { ServiceWalk, WalkStep } from '../walk/service-walk.ts';
import { alignColumns } from './table.ts';

/** The article's path as it happened: route, translation, flows, answer, with what each has counted. */
export function serviceWalkText(walk: ServiceWalk): string[] {
  const { node, service, to, route, translation, flows, outcome } = walk;
  const steps = (title: string, all: readonly WalkStep[]) => [
    [title, '', '', all.some(({ packets }) => packets) ? 'packets' : ''],
    ...all.map((step) => ['', step.at, step.says, packetsOf(step)]),
  ];
  const rows = [
    ['route', route],
    ...steps(translation.by, translation.steps),
    ...steps('br0', flows),
    ['answer', phraseOf(outcome)],
  ];
  return [`a request from ${node} to ${service}, ${to}:`, ...layOut(rows), ...(walk.isAsExpected ? [] : [COMPLAINT])];
}

const COMPLAINT = 'NOT AS EXPECTED: the pod behind the service answers, and each step counts the request';

function packetsOf({ packets }: WalkStep): string {
  return packets === undefined ? '' : `${packets.before} → ${packets.after}`;
}

/** Rows that are one phrase take no part in the columns. */
function layOut(rows: readonly (readonly string[])[]): string[] {
  const tables = rows.filter((row) => row.length > 2);
  const aligned = alignColumns(tables.map(([, ...cells]) => cells));
  let at = 0;
  return rows.map(([title = '', phrase = '', ...more]) => {
    const text = more.length === 0 ? phrase : (aligned[at++] ?? '');
    return `  ${title.padEnd(TITLE_WIDTH)}${text}`.trimEnd();
  });
}

const TITLE_WIDTH = 10;
