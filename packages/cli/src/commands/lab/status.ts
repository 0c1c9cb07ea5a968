import { deadProcesses, labHealth, openLab, statusText } from '@tenet/lab';
import { Command, Option } from 'commander';
import { untilSignalled } from '../../until-signalled.ts';
import { type StateOption, stateOption } from './state-option.ts';

interface StatusOptions extends StateOption {
  readonly output: 'text' | 'json';
}

export function statusCommand(): Command {
  return new Command('status')
    .description('nodes and pods, and what has ended or is not ready (exit status 1)')
    .addOption(new Option('-o, --output <form>', 'for people or for scripts').choices(['text', 'json']).default('text'))
    .addOption(stateOption())
    .action(async ({ state, output }: StatusOptions) => {
      const lab = openLab(state);
      using life = untilSignalled();
      const health = await labHealth(lab, life.signal).catch((error: unknown) => {
        // What has ended says why the API server does not answer.
        for (const problem of deadProcesses(lab)) console.error(problem);
        throw error;
      });
      if (output === 'json') console.log(JSON.stringify(health.status));
      else for (const line of statusText(health)) console.log(line);
      if (health.problems.length > 0) process.exitCode = 1;
    });
}
