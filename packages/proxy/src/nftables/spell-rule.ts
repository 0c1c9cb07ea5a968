/**
 * Rules as `nft -j` lists them (libnftables-json(5)), in the words in which we write them, so that what is installed
 * is compared as text. What we never write becomes JSON, which is equal to no rule of ours.
 */

type Json = Readonly<Record<string, unknown>>;

/** The words of one rule, from its list of expressions. */
export function spellRule(expressions: unknown): string {
  return Array.isArray(expressions) ? expressions.map(spellStatement).join(' ') : strange(expressions);
}

/** A value, or an expression that has one: `10.131.2.45`, `10.128.0.0 / 14`, `ip daddr . meta l4proto`. */
export function spellValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return `${value}`;
  const [name, body] = only(value);
  switch (name) {
    case 'concat':
      return Array.isArray(body) ? body.map(spellValue).join(' . ') : strange(value);
    case 'prefix':
      return isJson(body) ? `${spellValue(body.addr)}/${spellValue(body.len)}` : strange(value);
    case 'payload':
      return isJson(body) ? `${spellValue(body.protocol)} ${spellValue(body.field)}` : strange(value);
    case 'meta':
      return isJson(body) ? `meta ${spellValue(body.key)}`.replace(/^meta (?=[io]ifname$)/, '') : strange(value);
    case 'ct':
      return isJson(body) ? `ct ${spellValue(body.key)}` : strange(value);
    case 'fib':
      return isJson(body) && Array.isArray(body.flags)
        ? `fib ${body.flags.map(spellValue).join(' . ')} ${spellValue(body.result)}`
        : strange(value);
    case 'numgen':
      return isJson(body) && body.offset === 0
        ? `numgen ${spellValue(body.mode)} mod ${spellValue(body.mod)}`
        : strange(value);
    case '|':
    case '&':
      return Array.isArray(body) && body.length === 2
        ? `${spellValue(body[0])} ${name} ${spellBits(body[1])}`
        : strange(value);
    case 'map':
    case 'vmap':
      return isJson(body) ? `${spellValue(body.key)} ${name} ${spellValue(body.data)}` : strange(value);
    case 'set':
      return Array.isArray(body) ? `{ ${body.map(spellMember).join(', ')} }` : strange(value);
    default:
      return isVerdict(name, body) ? spellVerdict(name, body) : strange(value);
  }
}

function spellStatement(statement: unknown): string {
  const [name, body] = only(statement);
  switch (name) {
    case 'match':
      return isJson(body) ? spellMatch(body) : strange(statement);
    case 'mangle':
      return isJson(body) ? `${spellValue(body.key)} set ${spellValue(body.value)}` : strange(statement);
    case 'dnat':
      return isJson(body) && hasOnly(body, ['family', 'addr', 'port'])
        ? `dnat ip to ${spellValue(body.addr)}${'port' in body ? `:${spellValue(body.port)}` : ''}`
        : strange(statement);
    case 'masquerade':
      return isJson(body) && hasOnly(body, ['flags']) ? `masquerade ${spellValue(body.flags)}` : strange(statement);
    case 'reject':
      return isJson(body) && hasOnly(body, ['type', 'expr'])
        ? `reject with ${spellValue(body.type)} ${spellValue(body.expr)}`
        : strange(statement);
    case 'set':
      return isJson(body) ? spellUpdate(body) : strange(statement);
    default:
      return spellValue(statement);
  }
}

function spellMatch({ op, left, right }: Json): string {
  const sign = op === '==' || op === 'in' ? '' : `${spellValue(op)} `;
  // Of bits nft wants to see the comparison.
  if (isJson(left) && ('&' in left || '|' in left)) return `${spellValue(left)} ${spellValue(op)} ${spellBits(right)}`;
  return `${spellValue(left)} ${sign}${spellValue(right)}`;
}

function spellUpdate(body: Json): string {
  const element = isJson(body.elem) ? body.elem.elem : undefined;
  if (!isJson(element) || !hasOnly(element, ['val', 'timeout'])) return strange({ set: body });
  const seconds = spellValue(element.timeout);
  return `${spellValue(body.op)} ${spellValue(body.set)} { ${spellValue(element.val)} timeout ${seconds}s }`;
}

/** An element of a set, or of a map: a pair. */
function spellMember(member: unknown): string {
  return Array.isArray(member) ? member.map(spellValue).join(' : ') : spellValue(member);
}

function isVerdict(name: string, body: unknown): boolean {
  if (name === 'goto' || name === 'jump') return isJson(body) && hasOnly(body, ['target']);
  return body === null && (name === 'accept' || name === 'drop' || name === 'return');
}

function spellVerdict(name: string, body: unknown): string {
  return isJson(body) ? `${name} ${spellValue(body.target)}` : name;
}

function spellBits(bits: unknown): string {
  return typeof bits === 'number' ? `0x${bits.toString(16)}` : spellValue(bits);
}

/** The one member of an object that names what it is. */
function only(value: unknown): readonly [string, unknown] {
  const [entry, another] = isJson(value) ? Object.entries(value) : [];
  return entry === undefined || another !== undefined ? ['', value] : entry;
}

function hasOnly(body: Json, names: readonly string[]): boolean {
  return Object.keys(body).every((name) => names.includes(name));
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function strange(value: unknown): string {
  return JSON.stringify(value);
}
