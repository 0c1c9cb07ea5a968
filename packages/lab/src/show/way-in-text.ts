import { phraseOf } from '../probe/probe-pair.ts';
import type { WayIn } from '../walk/way-in.ts';
import { alignColumns } from './table.ts';

/** How outside gets in, who answered, and what the router must be for that. */
export function wayInText(ways: readonly WayIn[]): string[] {
  const rows = ways.map(({ to, by, outcome, isAsExpected }) => [
    `  ${to}`,
    by,
    `${phraseOf(outcome)}${isAsExpected ? '' : ' (NOT AS EXPECTED)'}`,
  ]);
  return ['from outside:', ...alignColumns(rows), ...ROUTER];
}

const ROUTER = [
  '  The router goes on to pods by their own addresses, so its project must be global (VNID 0): what a router of an',
  '  isolated project sends to a pod of alpha is dropped in table 80.',
];
