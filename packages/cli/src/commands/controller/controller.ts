import { GLOBAL_NAMESPACES, runController } from '@tenet/controller';
import { openKubeClient } from '@tenet/kube';
import { Command, Option } from 'commander';
import { DAEMON_CLOCK } from '../../daemon-clock.ts';
import { daemonLog, LOG_LEVELS, type LogLevel } from '../../daemon-log.ts';
import { untilSignalled } from '../../until-signalled.ts';

interface ControllerFlags {
  readonly kubeconfig?: string;
  readonly globalNamespaces: string;
  readonly logLevel: LogLevel;
}

/** `tenet controller`: gives nodes their subnets and projects their VNIDs until it is stopped. */
export function controllerCommand(): Command {
  return new Command('controller')
    .description('the daemon that hands out subnets and VNIDs')
    .option('--kubeconfig <file>', 'how to reach the API server (default: $KUBECONFIG, ~/.kube/config, in-cluster)')
    .option('--global-namespaces <names>', 'projects that start as global', GLOBAL_NAMESPACES.join(','))
    .addOption(new Option('--log-level <level>', 'what to say on standard error').choices(LOG_LEVELS).default('info'))
    .action(runCommand);
}

async function runCommand({ kubeconfig, globalNamespaces, logLevel }: ControllerFlags): Promise<void> {
  const log = daemonLog({ level: logLevel, component: 'controller' });
  using life = untilSignalled();
  // Not ended by the signal: a write that is under way comes to its end.
  await using client = await openKubeClient({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    userAgent: 'tenet-controller',
  });
  const { signal } = life;
  await runController({
    client,
    log,
    clock: DAEMON_CLOCK,
    random: Math.random,
    signal,
    globalNamespaces: globalNamespaces.split(',').filter((name) => name !== ''),
  });
}
