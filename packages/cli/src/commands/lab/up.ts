import { bringUp, takeDown, untilGone } from '@tenet/lab';
import { Command } from 'commander';
import { untilSignalled } from '../../until-signalled.ts';
import { type DatapathOption, datapathOption } from './datapath-option.ts';
import { endingOnRequest } from './ending-on-request.ts';
import { type ProxyOption, proxyOption } from './proxy-option.ts';
import { type StateOption, stateOption } from './state-option.ts';
import { TENET_PROGRAM } from './tenet-program.ts';

interface UpOptions extends StateOption, DatapathOption, ProxyOption {
  readonly detach?: true;
}

export function upCommand(): Command {
  return new Command('up')
    .description('bring the lab up and stay until Ctrl-C, then take it down')
    .option('--detach', 'return when everything is ready; `tenet lab down` takes it down')
    .addOption(stateOption())
    .addOption(datapathOption())
    .addOption(proxyOption())
    .action(async ({ state, datapath, proxy, detach }: UpOptions) => {
      using life = untilSignalled({ withParent: detach === undefined });
      const { signal } = life;
      const print = (line: string) => console.log(line);
      await endingOnRequest(signal, async () => {
        const lab = await bringUp({ state, datapath, proxy, tenet: TENET_PROGRAM, print, signal });
        if (detach) return;
        print('press Ctrl-C to take it down');
        await untilGone(lab, signal);
        await takeDown(lab);
      });
    });
}
