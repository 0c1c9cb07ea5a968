import { Command } from 'commander';
import { apiServerCommand } from './api-server.ts';
import { downCommand } from './down.ts';
import { execCommand } from './exec.ts';
import { kubeconfigCommand } from './kubeconfig.ts';
import { kubeletCommand } from './kubelet.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';

/** `tenet lab`: a cluster on this machine. */
export function labCommand(): Command {
  return new Command('lab')
    .description('a cluster on this machine: namespaces, real Open vSwitch')
    .addCommand(upCommand())
    .addCommand(runCommand())
    .addCommand(statusCommand())
    .addCommand(execCommand())
    .addCommand(kubeconfigCommand())
    .addCommand(downCommand())
    .addCommand(apiServerCommand(), { hidden: true })
    .addCommand(kubeletCommand(), { hidden: true });
}
