import { readFileSync } from 'node:fs';
import { openLab } from '@tenet/lab';
import { Command } from 'commander';
import { type StateOption, stateOption } from './state-option.ts';

export function kubeconfigCommand(): Command {
  return new Command('kubeconfig')
    .description("print the kubeconfig of the lab's API server")
    .addOption(stateOption())
    .action(({ state }: StateOption) => {
      process.stdout.write(readFileSync(openLab(state).paths.kubeconfig, 'utf8'));
    });
}
