import { findLab, takeDown } from '@tenet/lab';
import { Command } from 'commander';
import { type StateOption, stateOption } from './state-option.ts';

export function downCommand(): Command {
  return new Command('down')
    .description('take the lab down: processes, namespaces, files; also after a crash')
    .addOption(stateOption())
    .action(async ({ state }: StateOption) => {
      const lab = findLab(state);
      if (lab === undefined) {
        console.log(`there is no lab at ${state}: nothing to take down`);
        return;
      }
      const { processes, namespaces } = await takeDown(lab);
      console.log(`lab is down: ended ${processes} processes, removed ${namespaces} namespaces and ${state}`);
    });
}
