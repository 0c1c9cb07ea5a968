import type { ProxyMode } from '@tenet/lab';
import { Option } from 'commander';

export interface ProxyOption {
  readonly proxy: ProxyMode;
}

/** The environment says it for programs that bring labs up through others. */
export function proxyOption(): Option {
  const choices: readonly ProxyMode[] = ['iptables', 'nftables'];
  return new Option('--proxy <rules>', 'what the rules of services are made of')
    .choices(choices)
    .env('TENET_LAB_PROXY')
    .default('iptables' satisfies ProxyMode);
}
