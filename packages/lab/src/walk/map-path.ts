import type { NftObject } from '@tenet/host';
import type { ServiceAddress } from './nat-path.ts';
import type { CountedStep } from './service-walk.ts';

/** The maps that a packet to a service's address is looked up in, in this order: what to do, and with which endpoint. */
export function mapsAsked({ protocol }: ServiceAddress): readonly string[] {
  return ['services', `${protocol}-endpoints`];
}

/**
 * The elements of the maps that a packet to a service may find: what is done with it, and the endpoints by slot. They
 * are read from listings (libnftables-json(5)); elements do not count packets.
 */
export function mapPath(maps: readonly NftObject[], address: ServiceAddress): CountedStep[] {
  return maps.flatMap(({ map }) => {
    if (!isFields(map) || !Array.isArray(map.elem)) return [];
    return map.elem.flatMap((pair: unknown) => {
      const [key, data]: unknown[] = Array.isArray(pair) ? pair : [];
      const says = `${spell(key)} : ${spell(data)}`;
      return isFor(spell(key).split(' . '), address) ? [{ at: String(map.name), says }] : [];
    });
  });
}

/** A key begins with address, protocol and port; a map of one protocol leaves that out. */
function isFor(key: readonly string[], { ip, port, protocol }: ServiceAddress): boolean {
  const [keyIp, keyPort] = key.filter((part) => part !== protocol);
  return keyIp === ip && keyPort === String(port);
}

/** A value as nft(8) writes it. */
function spell(value: unknown): string {
  if (!isFields(value)) return String(value);
  const { concat, elem, goto: target, jump } = value;
  if (Array.isArray(concat)) return concat.map(spell).join(' . ');
  if (isFields(elem)) return spell(elem.val);
  if (isFields(target)) return `goto ${target.target}`;
  if (isFields(jump)) return `jump ${jump.target}`;
  return Object.keys(value).join(' ');
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
