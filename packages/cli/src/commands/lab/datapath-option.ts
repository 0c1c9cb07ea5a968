import type { Datapath } from '@tenet/lab';
import { Option } from 'commander';

export interface DatapathOption {
  readonly datapath: Datapath;
}

export function datapathOption(): Option {
  const choices: readonly Datapath[] = ['netdev', 'system'];
  return new Option('--datapath <type>', 'userspace, or the kernel module openvswitch')
    .choices(choices)
    .default('netdev' satisfies Datapath);
}
