export type { Action, ActionKind, Nat, Subfield } from './action.ts';
export {
  FIELD_NAMES,
  FIELDS,
  type FieldFormat,
  type FieldName,
  type FieldSpec,
  fullMask,
  type Prerequisite,
} from './fields.ts';
export { DEFAULT_PRIORITY, type Flow, type FlowStats, type Masked, type Match, PORT } from './flow.ts';
export { canonicalMatch, type MatchInput, matchKey } from './match.ts';
export { type ActionTextOptions, formatActions } from './text/format-actions.ts';
export { type FormatFlowOptions, formatFlow } from './text/format-flow.ts';
export { formatMatch, type MatchTextOptions } from './text/format-match.ts';
export { type FlowTextOptions, parseFlow } from './text/parse-flow.ts';
export { type DumpedFlow, type DumpHeader, type FlowDump, parseFlowDump } from './text/parse-flow-dump.ts';
export { FLOW_TEXT_ERRORS, type FlowTextFacts } from './text/text-errors.ts';
