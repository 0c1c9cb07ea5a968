import { errorKinds, kind } from '@tenet/std';

/** Where in which text a flow stopped making sense, and what would have. */
export interface FlowTextFacts {
  /** The whole line. */
  readonly text: string;
  /** Counted from 1. */
  readonly column: number;
  /** What stands there. */
  readonly found: string;
  readonly expected: string;
}

/** Every way in which text fails to be a flow. */
export const FLOW_TEXT = errorKinds({
  FLOW_TEXT_MALFORMED: kind<FlowTextFacts>({
    says: (facts) => `${place(facts)}: expected ${facts.expected}`,
    remedy: ({ column, expected }) => `write ${expected} at column ${column}`,
  }),
  FLOW_FIELD_UNKNOWN: kind<FlowTextFacts>({
    says: (facts) => `${place(facts)} is no match field that Tenet knows`,
    remedy: () => 'check the spelling against ovs-fields(7), or read the flow as one whose effect is unknown',
  }),
  FLOW_ACTION_UNKNOWN: kind<FlowTextFacts>({
    says: (facts) => `${place(facts)} is no action that Tenet knows`,
    remedy: () => 'check the spelling against ovs-actions(7), or read the flow as one whose effect is unknown',
  }),
});

export type FlowTextCode = keyof typeof FLOW_TEXT.table;

/** The table, for the page of all errors. */
export const FLOW_TEXT_ERRORS = FLOW_TEXT.table;

function place({ column, found }: FlowTextFacts): string {
  const shown = found.length > 60 ? `${found.slice(0, 60)}…` : found;
  return `column ${column}, ${found === '' ? 'the end' : JSON.stringify(shown)}`;
}
