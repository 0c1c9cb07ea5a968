import type { Rule, Ruleset } from '@tenet/netfilter';
import type { ProxiedPort, RulesPlanner } from '@tenet/proxy';
import { applyRestore } from '../../netfilter/testing/apply-restore.ts';

/** The rules of one node, by the model of iptables-restore. */
export class ModelledIptables {
  ruleset: Ruleset = { tables: new Map() };

  restore(text: string): void {
    this.ruleset = applyRestore(this.ruleset, text);
  }

  /** As iptables-save prints it: rules word by word as they were given. */
  save(): string {
    const lines = [...this.ruleset.tables].flatMap(([table, { chains }]) => [
      `*${table}`,
      ...[...chains].map(([name, { policy }]) => `:${name} ${policy ?? '-'} [0:0]`),
      ...[...chains].flatMap(([name, { rules }]) => rules.map(({ text }) => `-A ${name} ${text}`)),
      'COMMIT',
    ]);
    return lines.map((line) => `${line}\n`).join('');
  }

  /** Plans and applies all pieces, and gives them back. */
  sync(planner: RulesPlanner, ports: ReadonlyMap<string, ProxiedPort>): readonly string[] {
    return planner.plan(ports).map((piece) => {
      this.restore(piece.text);
      planner.applied(piece);
      return piece.text;
    });
  }

  /** A chain to do damage to. */
  chain(table: string, name: string): { rules: readonly Rule[] } {
    const chain = this.ruleset.tables.get(table)?.chains.get(name);
    if (chain === undefined) throw new RangeError(`no chain ${name} in ${table}`);
    return chain;
  }

  /** The rules of a chain in their words; none without the chain. */
  rules(table: string, name: string): readonly string[] {
    return (this.ruleset.tables.get(table)?.chains.get(name)?.rules ?? []).map(({ text }) => text);
  }

  /** Other rules and chains, as somebody else adds them: a table's lines without `*table` and COMMIT. */
  add(table: string, ...lines: string[]): void {
    this.restore([`*${table}`, ...lines, 'COMMIT', ''].join('\n'));
  }
}
