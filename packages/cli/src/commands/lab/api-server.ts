import { openLab, runApiServer } from '@tenet/lab';
import { Command } from 'commander';
import { daemonLog } from '../../daemon-log.ts';
import { untilSignalled } from '../../until-signalled.ts';
import { type StateOption, stateOption } from './state-option.ts';

/** What `lab up` starts. */
export function apiServerCommand(): Command {
  return new Command('api-server')
    .description('the Kubernetes API server of the lab; started by `lab up`')
    .addOption(stateOption())
    .action(async ({ state }: StateOption) => {
      const log = daemonLog({ level: 'info', component: 'api-server' });
      using life = untilSignalled();
      await runApiServer({ lab: openLab(state), log, signal: life.signal });
    });
}
