import { PROBED, sentenceOfPair, wordOf } from '../probe/probe-pair.ts';
import type { PairFinding } from '../probe/prove-isolation.ts';
import { alignColumns } from './table.ts';

/** Who reaches whom as a table, what the switches counted of the rest, and whatever is not as it ought to be. */
export function matrixText(findings: readonly PairFinding[]): string[] {
  const names = [...new Set(findings.map(({ from }) => from.name))];
  const cells = new Map(findings.map((finding) => [`${finding.from.name} ${finding.to.name}`, cellOf(finding)]));
  const rows = names.map((from) => [from, ...names.map((to) => cells.get(`${from} ${to}`) ?? MOOT)]);
  const blocked = findings.filter(({ expectation }) => expectation.kind === 'blocked');
  return [
    ...alignColumns([...headingsOf(names), ...rows], 1),
    '',
    ...alignColumns(blocked.map((finding) => [`${finding.from.name} → ${finding.to.name}`, evidenceOf(finding)])),
    '',
    ...verdictOf(findings),
    ...findings.filter((finding) => !finding.isAsExpected).map(complaintOf),
  ];
}

/** A place to itself; and where no packet can come, so that silence is no proof of anything. */
const MOOT = '-';

/** Names of pods above each other with their projects', so that a row has room on a terminal. */
function headingsOf(names: readonly string[]): string[][] {
  const parts = names.map((name) => {
    const end = name.indexOf('/') + 1;
    return { project: name.slice(0, end), own: name.slice(end) };
  });
  return [
    ['', ...parts.map(({ project }) => project)],
    ['from \\ to', ...parts.map(({ own }) => own)],
  ];
}

/** What was proven, or that it was not. */
function verdictOf(findings: readonly PairFinding[]): string[] {
  const wrong = findings.filter((finding) => !finding.isAsExpected);
  const telling = findings.filter((finding) => finding.expectation.kind !== 'no route' || !finding.isAsExpected);
  const packets = `${telling.length} pairs by ${PROBED.slice(0, -1).join(', ')} and ${PROBED.at(-1)}`;
  if (wrong.length > 0) return [`NOT AS EXPECTED: ${wrong.length} of ${packets}`];
  const blocked = findings.filter(({ expectation }) => expectation.kind === 'blocked');
  return [
    `proven with real packets, ${packets}: projects reach themselves, the global project and the`,
    `outside; they do not reach each other (${blocked.length} of ${blocked.length} dropped and counted)`,
  ];
}

function cellOf({ expectation, outcome, isAsExpected }: PairFinding): string {
  if (!isAsExpected) return `${wordOf(outcome)} (!)`;
  return expectation.kind === 'no route' ? MOOT : expectation.kind;
}

function evidenceOf({ outcome, counted, expectation }: PairFinding): string {
  const by = expectation.kind === 'blocked' ? expectation.by.name : '';
  const drops = counted.map(([dropClass, packets]) => `${packets} × ${dropClass}`).join(', ');
  return `${wordOf(outcome)}: ${drops === '' ? 'no drop' : drops} counted on ${by}`;
}

function complaintOf({ from, to, expectation, outcome }: PairFinding): string {
  return `  ${from.name} → ${to.name}: expected ${expectationText(expectation)}; seen ${sentenceOfPair(outcome)}`;
}

function expectationText(expectation: PairFinding['expectation']): string {
  switch (expectation.kind) {
    case 'reaches':
      return `reaches, seen as ${expectation.client}`;
    case 'blocked':
      return `blocked and counted as tenant-mismatch on ${expectation.by.name}`;
    case 'no route':
      return 'no route';
  }
}
