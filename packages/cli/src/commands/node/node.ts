import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { DAEMON_CLOCK } from '../../daemon-clock.ts';
import { daemonLog, LOG_LEVELS, type LogLevel } from '../../daemon-log.ts';
import { failCli } from '../../errors.ts';
import { untilSignalled } from '../../until-signalled.ts';
import { type ConfigOption, configOption, readConfig } from './config-option.ts';
import { statusCommand } from './status.ts';

interface NodeOptions extends ConfigOption {
  readonly logLevel: LogLevel;
}

/** `tenet node`: the daemon itself; with a verb, a question to the one that runs. */
export function nodeCommand(): Command {
  return new Command('node')
    .description('the daemon of a node: carries the packets of its pods')
    .addOption(configOption())
    .addOption(new Option('--log-level <level>', 'how much to say').choices(LOG_LEVELS).default('info'))
    .allowExcessArguments(false)
    .addCommand(statusCommand())
    .action(async ({ config: file, logLevel }: NodeOptions) => {
      // A question to the daemon is answered sooner without loading the daemon.
      const { runNode } = await import('@tenet/agent');
      using life = untilSignalled();
      const log = daemonLog({ level: logLevel, component: 'node' });
      try {
        await runNode({
          config: readConfig(file),
          plugin: { runtime: process.execPath, bundle: pluginBundle() },
          log,
          clock: DAEMON_CLOCK,
          random: Math.random,
          signal: life.signal,
        });
      } catch (error) {
        // Told to stop before it was ready: that is no failure.
        if (!life.signal.aborted) throw error;
      }
    });
}

/** The bundle of the CNI plugin stands beside the package that it is made from. */
function pluginBundle(): string {
  const bundle = join(import.meta.dirname, '../../../../cni/dist/tenet-cni.cjs');
  return existsSync(bundle) ? bundle : failCli('BUNDLE_MISSING', { file: bundle });
}
