import { readFileSync } from 'node:fs';
import { type AgentConfig, parseAgentConfig } from '@tenet/agent/status';
import { Option } from 'commander';
import { failCli } from '../../errors.ts';

/** What every command about this node is told: how its daemon is configured. */
export interface ConfigOption {
  readonly config: string;
}

export function configOption(): Option {
  return new Option('--config <file>', 'configuration file').default('/etc/tenet/config.yaml');
}

/** Reads the configuration; FILE_UNREADABLE, or CONFIG_INVALID with the setting. */
export function readConfig(file: string): AgentConfig {
  return parseAgentConfig(textOf(file), file);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return failCli('FILE_UNREADABLE', { file }, error);
  }
}
