import { execIn, openLab } from '@tenet/lab';
import { isTenetError } from '@tenet/std';
import { Command } from 'commander';
import { EXIT_USAGE } from '../../exit-status.ts';
import { printFailure } from '../../failure.ts';
import { type StateOption, stateOption } from './state-option.ts';

export function execCommand(): Command {
  return new Command('exec')
    .description('run a program in a network namespace of the lab and pass on its exit status')
    .argument('<target>', 'node/NAME, pod/NAMESPACE/NAME or outside')
    .argument('<command...>', 'the program and its arguments, after --')
    .addOption(stateOption())
    .showHelpAfterError('put -- before the program: tenet lab exec pod/alpha/web -- ls -l')
    .action(async (target: string, command: string[], { state }: StateOption) => {
      try {
        process.exitCode = await execIn(openLab(state), target, command);
      } catch (error) {
        if (!isTenetError(error, 'UNKNOWN_TARGET')) throw error;
        printFailure(error);
        process.exitCode = EXIT_USAGE;
      }
    });
}
