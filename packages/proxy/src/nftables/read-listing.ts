/** What `nft -j list table ip tenet` says (libnftables-json(5)), as the state of a table. */
import { failProxy } from '../errors.ts';
import { CLIENTS } from './own-table.ts';
import { spellRule, spellValue } from './spell-rule.ts';
import type { TableState } from './table-state.ts';

type Json = Readonly<Record<string, unknown>>;

/** Types of the expressions that some versions of nft list in their place. */
const TYPE_OF: readonly (readonly [RegExp, string])[] = [
  [/^ip daddr$/, 'ipv4_addr'],
  [/^\w+ dport$/, 'inet_service'],
  [/^numgen /, 'integer'],
];

/** Where /etc/protocols is missing, nft prints numbers. */
const PROTOCOLS: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };

/** Reads a listing; the empty text is that of no table. LISTING_MALFORMED when it is none of our table. */
export function readListing(text: string): TableState {
  const sets = new Map<string, string>();
  const elements = new Map<string, Map<string, string>>();
  const chains = new Map<string, { hook: string; rules: string[] }>();
  const strange: string[] = [];
  let exists = false;
  for (const object of text === '' ? [] : objectsOf(text)) {
    const [kind, body] = Object.entries(object)[0] ?? [];
    if (!isJson(body) || kind === undefined) return failProxy('LISTING_MALFORMED', { problem: 'an object is empty' });
    if (kind === 'metainfo') continue;
    if (kind === 'table') {
      exists = true;
      // Such as `dormant`, which switches it off.
      if ('flags' in body) strange.push('flags');
    } else if (kind === 'set' || kind === 'map') {
      const name = nameOf(body, 'name');
      const types = `${kind} ${typesOf(body)}`;
      sets.set(name, types);
      // What clients are remembered is the kernel's business.
      if (types !== `${CLIENTS.kind} ${CLIENTS.types}`) elements.set(name, elementsOf(body));
    } else if (kind === 'chain') {
      chains.set(nameOf(body, 'name'), { hook: hookOf(body), rules: [] });
    } else if (kind === 'rule') {
      const chain = chains.get(nameOf(body, 'chain'));
      if (chain === undefined) return failProxy('LISTING_MALFORMED', { problem: 'a rule comes before its chain' });
      chain.rules.push(spellRule(body.expr));
    } else strange.push(kind);
  }
  return { exists, isStrange: strange.length > 0, sets, chains, elements };
}

function objectsOf(text: string): readonly Json[] {
  let listing: unknown;
  try {
    listing = JSON.parse(text);
  } catch (cause) {
    return failProxy('LISTING_MALFORMED', { problem: 'it is not JSON' }, cause);
  }
  const objects = isJson(listing) ? listing.nftables : undefined;
  if (!Array.isArray(objects) || !objects.every(isJson))
    return failProxy('LISTING_MALFORMED', { problem: 'it has no list "nftables" of objects' });
  return objects;
}

function nameOf(body: Json, field: string): string {
  const { family, [field]: name } = body;
  const table = field === 'chain' || 'table' in body ? body.table : undefined;
  if (typeof name !== 'string' || family !== 'ip' || table !== 'tenet')
    return failProxy('LISTING_MALFORMED', { problem: 'an object is not of the table ip tenet' });
  return name;
}

function hookOf({ type, hook, prio, policy }: Json): string {
  if (hook === undefined) return '';
  return `${spellValue(type)} ${spellValue(hook)} ${spellValue(prio)}${policy === 'accept' ? '' : ` ${spellValue(policy)}`}`;
}

function typesOf(body: Json): string {
  const { type, map, flags, timeout } = body;
  const kept = Array.isArray(flags) ? flags.filter((flag) => flag !== 'dynamic') : flags === undefined ? [] : [flags];
  return [
    typeText(type),
    ...(map === undefined ? [] : [':', typeText(map)]),
    ...kept.map(spellValue),
    ...(timeout === undefined ? [] : [spellValue(timeout)]),
  ].join(' ');
}

function typeText(type: unknown): string {
  if (Array.isArray(type)) return type.map(spellValue).join(' . ');
  if (!isJson(type)) return spellValue(type);
  return spellValue(type.typeof)
    .split(' . ')
    .map((part) => TYPE_OF.find(([expression]) => expression.test(part))?.[1] ?? part)
    .join(' . ');
}

function elementsOf({ type, elem }: Json): Map<string, string> {
  const protocolAt = Array.isArray(type) ? type.indexOf('inet_proto') : -1;
  const found = new Map<string, string>();
  if (!Array.isArray(elem)) return found;
  for (const each of elem) {
    const [left, data] = Array.isArray(each) ? each : [each, undefined];
    const { val = left, comment } = isJson(left) && isJson(left.elem) ? left.elem : {};
    const note = comment === undefined ? '' : ` comment "${spellValue(comment)}"`;
    found.set(keyOf(val, protocolAt), `${note}${data === undefined ? '' : ` : ${spellValue(data)}`}`);
  }
  return found;
}

function keyOf(value: unknown, protocolAt: number): string {
  if (!isJson(value) || !Array.isArray(value.concat)) return spellValue(value);
  const parts = value.concat.map(spellValue);
  const protocol = parts[protocolAt];
  if (protocol !== undefined) parts[protocolAt] = PROTOCOLS[protocol] ?? protocol;
  return parts.join(' . ');
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
