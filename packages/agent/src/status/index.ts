export { type AgentConfig, parseAgentConfig, statusSocketOf } from '../config.ts';
export { askNodeStatus } from './ask-node-status.ts';
export type { NodeStatus } from './node-status.ts';
