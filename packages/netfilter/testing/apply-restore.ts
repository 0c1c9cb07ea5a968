import { type Chain, isBuiltIn, parseRule, type Rule, type Ruleset } from '@tenet/netfilter';

type Chains = Map<string, { policy?: string; rules: Rule[] }>;

/**
 * A model of `iptables-restore --noflush`, for properties: a chain's line makes or empties it, `-A`, `-I`, `-D` and
 * `-X` do what they say, and whatever the kernel would refuse is an Error. Rules of a deletion are found by text.
 */
export function applyRestore(installed: Ruleset, text: string): Ruleset {
  const tables = new Map([...installed.tables].map(([name, { chains }]) => [name, copied(chains)]));
  let table = '';
  let chains: Chains = new Map();
  for (const line of text.split('\n').filter((row) => row !== '')) {
    if (line.startsWith('*')) {
      table = line.slice(1);
      chains = tables.get(table) ?? new Map();
      tables.set(table, chains);
    } else if (line === 'COMMIT') refuseDangling(table, chains);
    else applyLine(table, chains, line);
  }
  return { tables: new Map([...tables].map(([name, copy]) => [name, { chains: copy }])) };
}

function copied(chains: ReadonlyMap<string, Chain>): Chains {
  return new Map([...chains].map(([name, chain]) => [name, { ...chain, rules: [...chain.rules] }]));
}

function applyLine(table: string, chains: Chains, line: string): void {
  const [, made] = /^:(\S+) - \[0:0\]$/.exec(line) ?? [];
  if (made !== undefined) {
    if (isBuiltIn(table, made)) throw new Error(`${line} in ${table}`);
    const there = chains.get(made);
    if (there) there.rules.length = 0;
    else chains.set(made, { rules: [] });
    return;
  }
  const [, verb, name = '', at, rest = ''] = /^(-[AIDX]) (\S+)(?: (\d+))?(?: (.*))?$/.exec(line) ?? [];
  if (!chains.has(name) && isBuiltIn(table, name)) chains.set(name, { policy: 'ACCEPT', rules: [] });
  const rules = chains.get(name)?.rules;
  if (rules === undefined) throw new Error(`no chain for ${line}`);
  switch (verb) {
    case '-A':
      rules.push(parseRule(rest));
      return;
    case '-I': {
      const index = Number(at ?? 1) - 1;
      if (index > rules.length) throw new Error(`index of ${line} is beyond ${rules.length} rules`);
      rules.splice(index, 0, parseRule(rest));
      return;
    }
    case '-D': {
      const index = rules.findIndex((rule) => rule.text === rest);
      if (index < 0) throw new Error(`nothing to delete for ${line}`);
      rules.splice(index, 1);
      return;
    }
    case '-X':
      if (rules.length > 0 || called(chains).has(name)) throw new Error(`${name} is in use`);
      chains.delete(name);
      return;
    default:
      throw new Error(`the model does not know ${line}`);
  }
}

/** The chains that some rule calls. */
function called(chains: Chains): Set<string> {
  return new Set([...chains.values()].flatMap(({ rules }) => rules.flatMap(({ target }) => target?.name ?? [])));
}

/** A target in capitals alone is the kernel's (ACCEPT); all others are chains, which must be there. */
function refuseDangling(table: string, chains: Chains): void {
  for (const name of called(chains))
    if (name.includes('-') && !chains.has(name)) throw new Error(`${table} has no chain ${name} to call`);
}
