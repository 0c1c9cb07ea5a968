export type { PluginProgram } from './cni/install-plugin.ts';
export { type AgentConfig, parseAgentConfig } from './config.ts';
export { AGENT_ERRORS } from './errors.ts';
export { type RunNodeOptions, runNode } from './run-node.ts';
