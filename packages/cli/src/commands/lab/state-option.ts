import { resolve } from 'node:path';
import { DEFAULT_STATE } from '@tenet/lab';
import { Option } from 'commander';

/** What every `lab` command can be told: which lab. */
export interface StateOption {
  readonly state: string;
}

export function stateOption(): Option {
  return new Option('--state <directory>', 'where the lab keeps its state')
    .default(DEFAULT_STATE)
    .argParser((directory: string) => resolve(directory));
}
