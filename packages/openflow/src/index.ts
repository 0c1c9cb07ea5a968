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
