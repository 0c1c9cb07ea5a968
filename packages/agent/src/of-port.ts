import { FIRST_POD_OF_PORT, LAST_POD_OF_PORT } from '@tenet/pipeline';
import type { Ip, Prefix } from '@tenet/std';

/**
 * The OpenFlow port to ask for: the host part of the pod's address when that can be a port and is free, as the
 * article's 45 for 10.131.2.45; else the highest free number, which no host part of a usual subnet is. Always asked
 * for, since a port without a request may be given 1 or 2 after a restart of the switch.
 */
export function wantedOfPort(subnet: Prefix, ip: Ip, isTaken: (port: number) => boolean): number {
  const hostPart = Number(ip.value - subnet.address.value);
  if (hostPart >= FIRST_POD_OF_PORT && hostPart <= LAST_POD_OF_PORT && !isTaken(hostPart)) return hostPart;
  let port = LAST_POD_OF_PORT;
  while (isTaken(port)) port--;
  return port;
}
