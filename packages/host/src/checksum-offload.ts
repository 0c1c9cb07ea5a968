import { closeSync } from 'node:fs';
import { linkNameBytes } from './link-name.ts';
import { libc } from './native.ts';
import { AF, SOCK } from './netlink/constants.ts';
import { checked } from './system-call.ts';

/** linux/sockios.h and linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GTXCSUM = 0x16;
const ETHTOOL_STXCSUM = 0x17;

/**
 * True when a link of this thread's namespace leaves checksums to be filled in later ("tx checksumming"). A switch in
 * user space sees such packets with wrong checksums, so it is turned off on the links of pods.
 */
export function readTxChecksum(link: string): boolean {
  return ethtool(`read the checksum offload of ${link}`, link, ETHTOOL_GTXCSUM, 0) !== 0;
}

/** Turns the checksum offload of a link of this thread's namespace on or off. */
export function setTxChecksum(link: string, on: boolean): void {
  ethtool(`turn the checksum offload of ${link} ${on ? 'on' : 'off'}`, link, ETHTOOL_STXCSUM, on ? 1 : 0);
}

/** Runs a command on `struct ethtool_value`, and gives the value back as the kernel left it. */
function ethtool(operation: string, link: string, command: number, value: number): number {
  const name = linkNameBytes(link);
  const fd = checked(operation, libc().socket(AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0));
  try {
    const data = Uint32Array.of(command, value);
    checked(operation, libc().ioctl(fd, SIOCETHTOOL, { name, data, rest: new Uint8Array(16) }));
    return data[1] ?? 0;
  } finally {
    closeSync(fd);
  }
}
