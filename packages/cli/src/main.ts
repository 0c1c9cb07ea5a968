import { Command, CommanderError } from 'commander';
import { EXIT_USAGE } from './exit-status.ts';
import { printFailure } from './failure.ts';

/** The command tree is the folder tree; a noun's commands are loaded only when that noun is called. */
const NOUNS = {
  lab: {
    summary: 'a cluster on this machine: namespaces, real Open vSwitch',
    load: () => import('./commands/lab/lab.ts').then((m) => m.labCommand()),
  },
  node: { summary: 'the daemon of a node', load: () => import('./commands/node/node.ts').then((m) => m.nodeCommand()) },
  controller: {
    summary: 'the daemon that hands out subnets and VNIDs',
    load: () => import('./commands/controller/controller.ts').then((m) => m.controllerCommand()),
  },
  tables: {
    summary: "what each of br0's flow tables is for",
    load: () => import('./commands/tables/tables.ts').then((m) => m.tablesCommand()),
  },
} as const satisfies Record<string, { summary: string; load: () => Promise<Command> }>;

const program = new Command('tenet')
  .description('a multitenant pod network for Kubernetes on Open vSwitch')
  .version('0.1.0')
  .exitOverride();

const noun = process.argv[2] ?? '';
for (const [name, { summary, load }] of Object.entries(NOUNS)) {
  const command = name === noun ? await load() : new Command(name).description(summary);
  program.addCommand(command.exitOverride());
  for (const verb of command.commands) verb.exitOverride();
}

try {
  await program.parseAsync();
} catch (error) {
  // commander has already printed its own sentence.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  else {
    printFailure(error);
    process.exitCode ||= 1;
  }
}
