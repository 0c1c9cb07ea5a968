import type { ProxiedPort, ProxyNode } from '../proxied-port.ts';
import type { ChainPlace, RulesPiece, RulesPlanner } from '../rules-planner.ts';
import { applyEdits, type Edits, linesOf, mergeEdits, restoreText, rulesIn } from './edits.ts';
import { adopt, type Installed, isSame, withCalls, withChains } from './installed.ts';
import { type Layout, ownChains } from './own-chains.ts';
import { packEdits } from './pack-edits.ts';
import { planLeftovers, planOwnChains, planPort } from './plan-edits.ts';
import { planRemovalStep } from './plan-removal.ts';
import { type PortRules, portRules } from './port-rules.ts';
import { readInstalled } from './read-installed.ts';

/** A piece that was handed out and has not yet succeeded. */
interface PlannedPiece {
  readonly piece: RulesPiece;
  readonly edits: Edits;
}

/**
 * Services in iptables, laid out as kube-proxy does: KUBE-SERVICES leads to a chain of each service, that to one of
 * its endpoints. It fills all KUBE- chains but a kubelet's; that the kernel's own chains call them is others' work.
 *
 * A chain of a service that differs is filled anew; of a chain that leads to services single rules come and go. While
 * all is as it left it, a change costs as much as the services that changed.
 */
export class IptablesPlanner implements RulesPlanner {
  readonly #node: ProxyNode;
  readonly #own: Layout;
  readonly #rules = new WeakMap<ProxiedPort, PortRules>();
  #installed: Installed | undefined;
  /** When present, what these ports want is installed and nothing else of ours. */
  #settled: ReadonlyMap<string, ProxiedPort> | undefined;
  #planned: readonly PlannedPiece[] = [];
  /** What is installed once all that is planned is applied; absent for a removal. */
  #target: ReadonlyMap<string, ProxiedPort> | undefined;

  constructor({ node }: { readonly node: ProxyNode }) {
    this.#node = node;
    this.#own = ownChains(node);
  }

  get isKnown(): boolean {
    return this.#installed !== undefined;
  }

  /** Of the text only our chains count, and who calls them; with or without counters. */
  observe(installed: string): boolean {
    const read = readInstalled(installed, this.#own);
    if (this.#installed !== undefined && isSame(read, this.#installed)) {
      this.#installed = withCalls(this.#installed, read);
      return true;
    }
    const believed = this.#installed;
    this.failed();
    this.#installed = adopt(read, believed);
    return false;
  }

  observeChains(installed: string, chains: readonly ChainPlace[]): boolean {
    const believed = this.#known();
    const seen = withChains(believed, readInstalled(installed, this.#own), chains);
    if (isSame(seen, believed)) return true;
    this.failed();
    this.#installed = adopt(seen, believed);
    return false;
  }

  plan(ports: ReadonlyMap<string, ProxiedPort>): readonly RulesPiece[] {
    const installed = this.#known();
    const parts = this.#settled === undefined ? this.#all(installed, ports) : this.#changes(installed, ports);
    this.#planned = packEdits(parts, installed, this.#own).map((edits) => planned(installed, edits));
    this.#target = new Map(ports);
    if (this.#planned.length === 0) this.#settled = this.#target;
    return this.#planned.map(({ piece }) => piece);
  }

  /**
   * The next piece that removes our chains, and the rules by which the kernel's own chains call them: to be asked for
   * again once it is applied, until it is undefined. What chains of others call is left, empty.
   */
  planRemoval(): RulesPiece | undefined {
    const installed = this.#known();
    const edits = mergeEdits([planRemovalStep(installed)]);
    this.#planned = linesOf(edits) === 0 ? [] : [planned(installed, edits)];
    this.#target = undefined;
    return this.#planned[0]?.piece;
  }

  applied(piece: RulesPiece): void {
    const [first, ...rest] = this.#planned;
    if (first?.piece !== piece) throw new RangeError('this piece is not the next one of the last plan');
    applyEdits(this.#known(), first.edits, this.#own);
    this.#planned = rest;
    // Half a plan leaves what only a look at everything can tell from leftovers.
    this.#settled = rest.length === 0 ? this.#target : undefined;
  }

  failed(): void {
    this.#installed = undefined;
    this.#settled = undefined;
    this.#planned = [];
  }

  /** While nothing else is installed, only ports that changed since can differ. */
  #changes(installed: Installed, ports: ReadonlyMap<string, ProxiedPort>): readonly Partial<Edits>[] {
    const settled = this.#settled ?? new Map();
    const parts: Partial<Edits>[] = [];
    let kept = 0;
    for (const [key, port] of ports) {
      const before = settled.get(key);
      if (before !== undefined) kept++;
      if (before === port) continue;
      parts.push(planPort(installed, this.#rulesOf(port), before && this.#rulesOf(before)));
    }
    if (kept === settled.size) return parts;
    for (const [key, port] of settled)
      if (!ports.has(key)) parts.push(planPort(installed, undefined, this.#rulesOf(port)));
    return parts;
  }

  /** All that is wanted, beside all that is installed. */
  #all(installed: Installed, ports: ReadonlyMap<string, ProxiedPort>): readonly Partial<Edits>[] {
    const wanted = [...ports.values()].map((port) => this.#rulesOf(port));
    return [
      planOwnChains(installed, this.#own),
      ...wanted.map((rules) => planPort(installed, rules)),
      planLeftovers(installed, wanted, this.#own),
    ];
  }

  #rulesOf(port: ProxiedPort): PortRules {
    const known = this.#rules.get(port);
    if (known !== undefined) return known;
    const rules = portRules(port, this.#node);
    this.#rules.set(port, rules);
    return rules;
  }

  #known(): Installed {
    if (this.#installed === undefined) throw new RangeError('it is not known what is installed');
    return this.#installed;
  }
}

function planned(installed: Installed, edits: Edits): PlannedPiece {
  return { piece: { text: restoreText(edits), ...countOf(installed, edits) }, edits };
}

/** Of a dispatch chain that is written anew only what it loses counts: the rest is as it was. */
function countOf(installed: Installed, edits: Edits): Omit<RulesPiece, 'text'> {
  let added = edits.added.length + edits.appended.length;
  let removed = edits.removed.length + edits.dropped.length;
  for (const { table, chain, text } of edits.filled) {
    const before = installed[table].chains.get(chain);
    added += rulesIn(text) + (before === undefined ? 1 : 0);
    removed += rulesIn(before ?? '');
  }
  for (const { table, chain } of edits.emptied) removed += rulesIn(installed[table].chains.get(chain) ?? '');
  for (const { table, chain, text } of edits.rewritten)
    removed += Math.max(0, (installed[table].dispatch.get(chain)?.rules.size ?? 0) - rulesIn(text));
  return { added, removed };
}
