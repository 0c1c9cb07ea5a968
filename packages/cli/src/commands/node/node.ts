import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAgentConfig, runNode } from '@tenet/agent';
import { Command, Option } from 'commander';
import { DAEMON_CLOCK } from '../../daemon-clock.ts';
import { daemonLog, LOG_LEVELS, type LogLevel } from '../../daemon-log.ts';
import { failCli } from '../../errors.ts';
import { untilSignalled } from '../../until-signalled.ts';

const DEFAULT_CONFIG = '/etc/tenet/config.yaml';

export function nodeCommand(): Command {
  return new Command('node')
    .description('the daemon of a node: carries the packets of its pods')
    .option('--config <file>', 'configuration file', DEFAULT_CONFIG)
    .addOption(new Option('--log-level <level>', 'how much to say').choices(LOG_LEVELS).default('info'))
    .action(async ({ config: file, logLevel }: { config: string; logLevel: LogLevel }) => {
      using life = untilSignalled();
      const log = daemonLog({ level: logLevel, component: 'node' });
      await runNode({
        config: parseAgentConfig(readConfig(file), file),
        plugin: { runtime: process.execPath, bundle: pluginBundle() },
        log,
        clock: DAEMON_CLOCK,
        random: Math.random,
        signal: life.signal,
      });
    });
}

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return failCli('FILE_UNREADABLE', { file }, error);
  }
}

/** The bundle of the CNI plugin stands beside the package that it is made from. */
function pluginBundle(): string {
  const bundle = join(import.meta.dirname, '../../../../cni/dist/tenet-cni.js');
  return existsSync(bundle) ? bundle : failCli('BUNDLE_MISSING', { file: bundle });
}
