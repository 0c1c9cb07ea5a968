import type { Ip, Prefix } from '@tenet/std';

/** The first address that a pod can have: the network address and the gateway come before it. */
export function firstPodAddress(subnet: Prefix): Ip {
  return subnet.address.plus(2);
}

/** True for every address of the subnet but the network address, the gateway and the broadcast address. */
export function isPodAddress(subnet: Prefix, ip: Ip): boolean {
  return subnet.contains(ip) && ip.value >= firstPodAddress(subnet).value && ip.value < subnet.last.value;
}

/** The next address after the cursor that is free, around the end of the subnet; undefined when none is. */
export function nextFree(subnet: Prefix, cursor: Ip, isTaken: (ip: Ip) => boolean): Ip | undefined {
  const first = firstPodAddress(subnet);
  let candidate = cursor;
  for (let tries = subnet.size - 3n; tries > 0n; tries--) {
    const next = candidate.plus(1);
    candidate = isPodAddress(subnet, next) ? next : first;
    if (!isTaken(candidate)) return candidate;
  }
  return undefined;
}
