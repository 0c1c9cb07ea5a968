import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failLab } from '../errors.ts';

/** The programs that the lab starts, and the Debian package of each. */
const PROGRAMS = {
  'ovsdb-tool': 'openvswitch-common',
  'ovsdb-server': 'openvswitch-switch',
  'ovs-vswitchd': 'openvswitch-switch',
  'ovs-vsctl': 'openvswitch-switch',
  'ovs-appctl': 'openvswitch-common',
  nsenter: 'util-linux',
} as const;

/** Says in one sentence what a lab cannot do without, before anything is made: NOT_ROOT or PROGRAM_MISSING. */
export function checkPreconditions(command: string): void {
  if (process.getuid?.() !== 0) failLab('NOT_ROOT', { command });
  for (const [program, inPackage] of Object.entries(PROGRAMS)) {
    if (!isOnPath(program)) failLab('PROGRAM_MISSING', { program, package: inPackage });
  }
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
