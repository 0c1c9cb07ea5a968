import { askNodeStatus, statusSocketOf } from '@tenet/agent/status';
import { isTenetError } from '@tenet/std';
import { Command, Option } from 'commander';
import { EXIT_UNKNOWN } from '../../exit-status.ts';
import { type ConfigOption, configOption, readConfig } from './config-option.ts';
import { statusText } from './status-text.ts';

interface StatusOptions extends ConfigOption {
  readonly output: 'text' | 'json';
}

/** `tenet node status`: asks the daemon of this node how it is. */
export function statusCommand(): Command {
  return new Command('status')
    .description('how this node is, and what is wrong (exit status 0: nothing, 1: something, 2: it could not be told)')
    .addOption(new Option('-o, --output <form>', 'for people or for scripts').choices(['text', 'json']).default('text'))
    .addOption(configOption())
    .allowExcessArguments(false)
    .action(async (_options: unknown, command: Command) => {
      // The daemon's command has --config too, and takes it wherever it stands.
      await show(command.optsWithGlobals<StatusOptions>());
    });
}

async function show({ config: file, output }: StatusOptions): Promise<void> {
  try {
    const status = await askNodeStatus(statusSocketOf(readConfig(file)));
    if (output === 'json') console.log(JSON.stringify(status));
    else for (const line of statusText(status, Date.now())) console.log(line);
    process.exitCode = status.problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (!isTenetError(error, 'DAEMON_NOT_RUNNING')) {
      process.exitCode = EXIT_UNKNOWN;
      throw error;
    }
    console.error(`tenet: ${error.message}; ${error.remedy}`);
    process.exitCode = 1;
  }
}
