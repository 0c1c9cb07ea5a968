/** Words of rules in the very spelling of iptables-save 1.8.9, so that what is installed is compared as text. */
import type { ServiceProtocol } from '@tenet/model';
import type { Ip, Prefix } from '@tenet/std';

/** What pods come in by. */
export const PODS_LINK = 'tun0';

/** `text` holds neither quotes nor backslashes, and a space or slash, without which it would be printed unquoted. */
export function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}

export function toPort(protocol: ServiceProtocol, port: number): string {
  return `-m ${protocol} --dport ${port}`;
}

/** For a rule's beginning; nothing for the prefix that holds all addresses. */
export function inPrefix(option: '-s' | '-d', prefix: Prefix): string {
  return prefix.length === 0 ? '' : `${option} ${prefix} `;
}

export function isAddress(option: '-s' | '-d', ip: Ip): string {
  return `${option} ${ip}/32 `;
}

/** One of `choices`: the kernel holds a probability as 31 bits, which are printed with 11 digits (xt_statistic). */
export function oneOf(choices: number): string {
  const probability = Math.round(2 ** 31 / choices) / 2 ** 31;
  return `-m statistic --mode random --probability ${probability.toFixed(11)}`;
}

/** How `recent` names a list of clients, in the order in which its options are printed. */
export function recentList(name: string): string {
  return `--name ${name} --mask 255.255.255.255 --rsource`;
}
