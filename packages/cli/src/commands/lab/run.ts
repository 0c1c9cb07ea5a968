import {
  bringUp,
  endpointsOf,
  type Lab,
  labHealth,
  matrixText,
  proveIsolation,
  serviceWalkText,
  stateArgument,
  takeDown,
  untilGone,
  walkToService,
  wayInText,
  waysIn,
} from '@tenet/lab';
import { Command } from 'commander';
import { untilSignalled } from '../../until-signalled.ts';
import { type DatapathOption, datapathOption } from './datapath-option.ts';
import { endingOnRequest } from './ending-on-request.ts';
import { type ProxyOption, proxyOption } from './proxy-option.ts';
import { type StateOption, stateOption } from './state-option.ts';
import { TENET_PROGRAM } from './tenet-program.ts';

/** What `npm start` shows. */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'bring the lab up, show with real packets who reaches whom and how a service is reached, stay until Ctrl-C ' +
        '(exit status 0: all is as it ought to be, 1: it is not, 130: stopped before that was known)',
    )
    .addOption(stateOption())
    .addOption(datapathOption())
    .addOption(proxyOption())
    .action(async ({ state, datapath, proxy }: StateOption & DatapathOption & ProxyOption) => {
      using life = untilSignalled({ withParent: true });
      const { signal } = life;
      const print = (line: string) => console.log(line);
      await endingOnRequest(signal, async () => {
        const lab = await bringUp({ state, datapath, proxy, tenet: TENET_PROGRAM, print, signal });
        try {
          await show(lab, { print, signal });
          await untilGone(lab, signal);
        } finally {
          await takeDown(lab);
        }
      });
    });
}

/** Sends the packets and prints what became of them; exit status 1 when it is not what tenants may rely on. */
async function show(
  lab: Lab,
  { print, signal }: { print: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const { status } = await labHealth(lab, signal);
  print('');
  const findings = await proveIsolation(lab, endpointsOf(lab, status), signal);
  for (const line of matrixText(findings)) print(line);
  print('');
  const walk = await walkToService(lab, status, { ...ARTICLE, signal });
  for (const line of serviceWalkText(walk)) print(line);
  print('');
  const ways = await waysIn(lab, status, DOORS);
  for (const line of wayInText(ways)) print(line);
  if (![...findings, walk, ...ways].every(({ isAsExpected }) => isAsExpected)) process.exitCode = 1;
  print('');
  const which = stateArgument(lab.paths.state);
  print(`try: bin/tenet lab status${which}`);
  print(`     bin/tenet lab exec${which} pod/alpha/client -- curl -s 172.30.229.30:9200`);
  print('press Ctrl-C to take the lab down');
}

/** The path that the article follows by hand. */
const ARTICLE = { node: 'dt-infra1', service: 'logging/logging-es', pod: 'logging/logging-es-1' } as const;

const DOORS = { service: 'alpha/web', node: 'dt-infra1', router: 'default/router', host: 'web.alpha.example' } as const;
