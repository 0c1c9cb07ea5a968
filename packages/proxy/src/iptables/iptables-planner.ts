import type { ProxiedPort, ProxyNode } from '../proxied-port.ts';
import type { RulesPiece, RulesPlanner } from '../rules-planner.ts';
import { applyEdits, type Edits, linesOf, mergeEdits, restoreText, rulesIn } from './edits.ts';
import { adopt, type Installed, isSame, withCalls } from './installed.ts';
import { type Layout, ownChains } from './own-chains.ts';
import { packSteps, type Step } from './pack-steps.ts';
import { planLeftovers, planOwnChains, planPort, planRemovalOf } from './plan-edits.ts';
import { type PortRules, portRules } from './port-rules.ts';
import { readInstalled } from './read-installed.ts';

/** A piece that was handed out and has not yet succeeded. */
interface PlannedPiece {
  readonly piece: RulesPiece;
  readonly edits: Edits;
  readonly steps: readonly Step[];
  /** With it nothing is installed that nobody wants. */
  readonly isSweepEnd: boolean;
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
  /** The ports whose rules are known to be installed, all of them and nothing else of theirs. */
  readonly #settled = new Map<string, ProxiedPort>();
  /** Nothing of ours is installed but what settled ports want. */
  #isSwept = false;
  #planned: readonly PlannedPiece[] = [];

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

  plan(ports: ReadonlyMap<string, ProxiedPort>): readonly RulesPiece[] {
    const installed = this.#known();
    const steps = this.#isSwept ? this.#changes(installed, ports) : this.#all(installed, ports);
    const open: Step[] = [];
    for (const step of steps) {
      if (linesOf(step.edits) > 0) open.push(step);
      else this.#settle(step);
    }
    const groups = packSteps(open);
    this.#planned = groups.map((group, at) => planned(installed, group, at === groups.length - 1));
    if (groups.length === 0) this.#isSwept = true;
    return this.#planned.map(({ piece }) => piece);
  }

  /**
   * One piece that removes all of our chains, and the rules by which the kernel's own chains call them; undefined when
   * there are none. What chains of others call is left, empty.
   */
  planRemoval(): RulesPiece | undefined {
    const installed = this.#known();
    const edits = planRemovalOf(installed);
    // A later plan starts from what is left.
    this.#settled.clear();
    this.#isSwept = false;
    this.#planned = linesOf(edits) === 0 ? [] : [planned(installed, [{ edits }], false)];
    return this.#planned[0]?.piece;
  }

  applied(piece: RulesPiece): void {
    const [first, ...rest] = this.#planned;
    if (first?.piece !== piece) throw new RangeError('this piece is not the next one of the last plan');
    applyEdits(this.#known(), first.edits, this.#own);
    for (const step of first.steps) this.#settle(step);
    if (first.isSweepEnd) this.#isSwept = true;
    this.#planned = rest;
  }

  failed(): void {
    this.#installed = undefined;
    this.#settled.clear();
    this.#isSwept = false;
    this.#planned = [];
  }

  /** While nothing else is installed, only ports that changed since can differ. */
  *#changes(installed: Installed, ports: ReadonlyMap<string, ProxiedPort>): Iterable<Step> {
    for (const [key, port] of ports) {
      const before = this.#settled.get(key);
      if (before === port) continue;
      const edits = planPort(installed, this.#rulesOf(port), before && this.#rulesOf(before));
      yield { edits, settles: { key, port } };
    }
    for (const [key, port] of this.#settled) {
      if (!ports.has(key))
        yield { edits: planPort(installed, undefined, this.#rulesOf(port)), settles: { key, port: undefined } };
    }
  }

  /** All that is wanted, beside all that is installed. */
  *#all(installed: Installed, ports: ReadonlyMap<string, ProxiedPort>): Iterable<Step> {
    yield { edits: planOwnChains(installed, this.#own) };
    for (const [key, port] of ports) yield { edits: planPort(installed, this.#rulesOf(port)), settles: { key, port } };
    const wanted = [...ports.values()].map((port) => this.#rulesOf(port));
    for (const edits of planLeftovers(installed, wanted, this.#own)) yield { edits };
  }

  #rulesOf(port: ProxiedPort): PortRules {
    const known = this.#rules.get(port);
    if (known !== undefined) return known;
    const rules = portRules(port, this.#node);
    this.#rules.set(port, rules);
    return rules;
  }

  #settle({ settles }: Step): void {
    if (settles?.port !== undefined) this.#settled.set(settles.key, settles.port);
    else if (settles !== undefined) this.#settled.delete(settles.key);
  }

  #known(): Installed {
    if (this.#installed === undefined) throw new RangeError('it is not known what is installed');
    return this.#installed;
  }
}

function planned(installed: Installed, steps: readonly Step[], isSweepEnd: boolean): PlannedPiece {
  const edits = mergeEdits(steps.map((step) => step.edits));
  return { piece: { text: restoreText(edits), ...countOf(installed, edits) }, edits, steps, isSweepEnd };
}

function countOf(installed: Installed, edits: Edits): Omit<RulesPiece, 'text'> {
  let added = edits.added.length + edits.appended.length;
  let removed = edits.removed.length + edits.dropped.length;
  for (const { table, chain, text } of edits.filled) {
    const before = installed[table].chains.get(chain);
    added += rulesIn(text) + (before === undefined ? 1 : 0);
    removed += rulesIn(before ?? '');
  }
  return { added, removed };
}
