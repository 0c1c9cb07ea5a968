import { Command } from 'commander';
import { tablesText } from './tables-text.ts';

export function tablesCommand(): Command {
  return new Command('tables')
    .description("what each of br0's flow tables is for, with its flows and drops")
    .action(() => console.log(tablesText()));
}
