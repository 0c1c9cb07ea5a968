import { openKubeClient } from '@tenet/kube';
import { openLab, runKubelet } from '@tenet/lab';
import { Command } from 'commander';
import { daemonLog } from '../../daemon-log.ts';
import { untilSignalled } from '../../until-signalled.ts';
import { type StateOption, stateOption } from './state-option.ts';

/** What `lab up` starts for all nodes together. */
export function kubeletCommand(): Command {
  return new Command('kubelet')
    .description('the kubelet of all nodes of the lab; started by `lab up`')
    .addOption(stateOption())
    .action(async ({ state }: StateOption) => {
      const lab = openLab(state);
      const log = daemonLog({ level: 'info', component: 'kubelet' });
      using life = untilSignalled();
      const { signal } = life;
      await using kube = await openKubeClient({ kubeconfig: lab.paths.kubeconfig, signal, userAgent: 'tenet-kubelet' });
      await runKubelet({ lab, kube, log, signal });
    });
}
