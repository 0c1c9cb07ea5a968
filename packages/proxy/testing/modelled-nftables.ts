import assert from 'node:assert/strict';
import type { ProxiedPort, RulesPlanner } from '@tenet/proxy';

interface Table {
  readonly sets: Map<string, { readonly kind: string; readonly text: string; readonly elements: Map<string, string> }>;
  readonly chains: Map<string, { readonly hook: string; readonly rules: string[] }>;
}

/**
 * The table `ip tenet` of one node by a model of nft: a run is a transaction, which fails as a whole where the kernel
 * refuses: what is deleted must be there and unused, what is added must be new, what is named must exist at the end.
 */
export class ModelledNftables {
  table: Table | undefined;

  run(text: string): void {
    const table = structuredClone(this.table);
    let next = table;
    for (const line of text.trimEnd().split('\n')) next = runLine(next, line);
    if (next !== undefined) for (const name of namesIn(next)) assert.ok(has(next, name), `nothing is called ${name}`);
    this.table = next;
  }

  /** As `nft -j list table ip tenet` prints it, but that rules and keys are texts. */
  list(): string {
    if (this.table === undefined) return '';
    const own = { family: 'ip', table: 'tenet' };
    const objects = [
      { metainfo: { version: '1.0.6' } },
      { table: { family: 'ip', name: 'tenet' } },
      ...[...this.table.sets].map(([name, { kind, text, elements }]) => ({
        [kind]: { ...own, name, ...typesOf(text), elem: [...elements].map(listed) },
      })),
      ...[...this.table.chains].map(([name, { hook }]) => ({ chain: { ...own, name, ...hookOf(hook) } })),
      ...[...this.table.chains].flatMap(([chain, { rules }]) =>
        rules.map((rule) => ({ rule: { ...own, chain, expr: [rule] } })),
      ),
    ];
    return JSON.stringify({ nftables: objects });
  }

  /** Plans and applies all pieces, and gives them back. */
  sync(planner: RulesPlanner, ports: ReadonlyMap<string, ProxiedPort>): readonly string[] {
    return planner.plan(ports).map((piece) => {
      this.run(piece.text);
      planner.applied(piece);
      return piece.text;
    });
  }

  /** All that is there, in an order of its own. */
  get content(): readonly string[] {
    return [
      ...[...(this.table?.sets ?? [])].flatMap(([name, { text, elements }]) => [
        `${name} ${text}`,
        ...[...elements].map(([key, tail]) => `${name} ${key}${tail}`),
      ]),
      ...[...(this.table?.chains ?? [])].map(([name, { hook, rules }]) => `${name} ${hook}: ${rules.join('; ')}`),
    ].toSorted();
  }
}

const COMMAND = /^(add|delete|flush) (table|set|map|chain|rule|element) ip tenet ?(\S*) ?(.*)$/;

function runLine(table: Table | undefined, line: string): Table | undefined {
  const [, verb, what, name = '', rest = ''] = COMMAND.exec(line) ?? [];
  if (verb === 'add' && what === 'table') return table ?? { sets: new Map(), chains: new Map() };
  assert.ok(table, `no table for ${line}`);
  if (what === 'table') return undefined;
  const { sets, chains } = table;
  const inside = /^\{ (.*) \}$/.exec(rest)?.[1] ?? '';
  if (what === 'chain') {
    if (verb === 'add') chains.set(name, chains.get(name) ?? { hook: inside, rules: [] });
    const chain = chains.get(name);
    assert.ok(chain, line);
    if (verb !== 'add') chain.rules.length = 0;
    if (verb === 'delete') {
      chains.delete(name);
      assert.ok(!namesIn(table).has(name), `in use: ${line}`);
    }
  } else if (what === 'rule') {
    const chain = chains.get(name);
    assert.ok(chain, line);
    chain.rules.push(rest);
  } else if (what === 'element') {
    const elements = sets.get(name)?.elements;
    assert.ok(elements, line);
    for (const element of inside.split(', ')) {
      const [, key = '', tail = ''] = /^(.*?)((?: comment "[^"]*")?(?: : .*)?)$/.exec(element) ?? [];
      if (verb === 'delete') assert.ok(elements.delete(key), `not there: ${key} of ${name}`);
      else {
        assert.ok((elements.get(key) ?? tail) === tail, `there with other data: ${key} of ${name}`);
        elements.set(key, tail);
      }
    }
  } else if (verb === 'add' && what !== undefined) {
    const before = sets.get(name);
    assert.ok(before === undefined || before.text === inside, `another declaration: ${line}`);
    sets.set(name, before ?? { kind: what, text: inside, elements: new Map() });
  } else {
    assert.ok(verb === 'delete' && sets.get(name)?.kind === what && sets.delete(name), `no such ${line}`);
    assert.ok(!namesIn(table).has(`@${name}`), `in use: ${line}`);
  }
  return table;
}

/** The chains and sets, these with an @, that rules and elements name. */
function namesIn({ sets, chains }: Table): ReadonlySet<string> {
  const texts = [
    ...[...chains.values()].flatMap(({ rules }) => rules),
    ...[...sets.values()].flatMap(({ elements }) => [...elements.values()]),
  ];
  return new Set(texts.flatMap((text) => text.match(/(?<=goto |jump )\S+|@\S+/g) ?? []));
}

function has({ sets, chains }: Table, name: string): boolean {
  return name.startsWith('@') ? sets.has(name.slice(1)) : chains.has(name);
}

function typesOf(text: string): object {
  const [, how = '', key, data] = /^(type|typeof) (.*?)(?: : (.*?))?;/.exec(text) ?? [];
  const shown = (types: string | undefined) => (how === 'type' ? types : { typeof: types });
  return {
    type: shown(key),
    ...(data !== undefined && { map: shown(data) }),
    ...(text.includes('flags') && { flags: ['timeout', 'dynamic'], size: Number(/size (\d+)/.exec(text)?.[1]) }),
  };
}

function hookOf(hook: string): object {
  const [, type, at, prio, policy] = /^type (\w+) hook (\w+) priority (.*); policy (\w+);$/.exec(hook) ?? [];
  return type === undefined ? {} : { type, hook: at, prio: Number(prio), policy };
}

function listed([key, tail]: readonly [string, string]): unknown {
  const [, comment, data] = /^(?: comment "([^"]*)")?(?: : (.*))?$/.exec(tail) ?? [];
  const element = comment === undefined ? key : { elem: { val: key, comment } };
  return data === undefined ? element : [element, data];
}
