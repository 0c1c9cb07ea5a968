export type { Action, ActionKind, Nat, Subfield } from './action.ts';
export type { ConntrackTuple, CtFlush, TupleAddress } from './codec/ct-flush-codec.ts';
export { type ErrorName, errorName } from './codec/error-names.ts';
export { CODEC_ERRORS } from './codec/errors.ts';
export {
  addFlow,
  deleteFlow,
  deleteFlows,
  type FlowCommand,
  type FlowEntry,
  type FlowFilter,
  type FlowMod,
  type UnreadableFlow,
} from './codec/flow-codec.ts';
export { type FrameAndRest, FrameReader, nextFrame } from './codec/frame.ts';
export { addGroup, deleteGroup, type GroupCommand, type GroupMod } from './codec/group-codec.ts';
export { agreedVersion } from './codec/hello-codec.ts';
export type {
  BundledMessage,
  BundleFlags,
  BundleStep,
  Envelope,
  ErrorMessage,
  Features,
  FragmentMode,
  Message,
  MessageKind,
} from './codec/message.ts';
export { decodeMessage, encodeMessage } from './codec/message-codec.ts';
export type { MultipartReply, MultipartRequest, MultipartType, TableStats } from './codec/multipart-codec.ts';
export type { PortDescription } from './codec/port-codec.ts';
export { isVersion, OPENFLOW_13, OPENFLOW_14, OPENFLOW_15, type Version } from './codec/protocol.ts';
export type { Aggregate } from './codec/stats-codec.ts';
export { wireForm } from './codec/wire-form.ts';
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
export { flowKey, sameActions, sameFlow } from './flow-identity.ts';
export type { Bucket, Group, GroupType } from './group.ts';
export { canonicalMatch, type MatchInput, matchKey } from './match.ts';
export { type ActionTextOptions, formatActions } from './text/format-actions.ts';
export { type FormatFlowOptions, formatFlow } from './text/format-flow.ts';
export { formatMatch, type MatchTextOptions } from './text/format-match.ts';
export { type FlowTextOptions, parseFlow } from './text/parse-flow.ts';
export { type DumpedFlow, type DumpHeader, type FlowDump, parseFlowDump } from './text/parse-flow-dump.ts';
export { FLOW_TEXT_ERRORS, type FlowTextFacts } from './text/text-errors.ts';
