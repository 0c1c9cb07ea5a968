import type { TableRows } from './table-rows.ts';

/** Counts up when flows change in a way that the flows themselves do not show. */
const PIPELINE_VERSION = 1;

/** Table 253, which no packet reaches: a note says whose flows these are. */
export const version: TableRows = {
  static: () => [
    {
      priority: 100,
      match: {},
      apply: [
        { kind: 'note', bytes: Uint8Array.of(...[...'TENET'].map((letter) => letter.charCodeAt(0)), PIPELINE_VERSION) },
      ],
      why: 'marks the flows as those of Tenet',
    },
  ],
};
