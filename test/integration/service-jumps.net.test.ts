/** Where the kernel's chains call those of services, in both variants of real iptables. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { createNamespace, deleteNamespace, type IptablesVariant, iptablesRestore, iptablesSave } from '@tenet/host';
import { type DesiredRules, formatRule, parseIptablesSave, planRestore } from '@tenet/netfilter';
import { hostRules } from '@tenet/pipeline';
import { NODE } from './host-rules-fixture.ts';
import { sweep } from './sweep.ts';

const PREFIX = 'tenet-service-jumps';
const signal = AbortSignal.timeout(120_000);

const WITH = hostRules(NODE, { serviceChains: true });
const WITHOUT = hostRules(NODE);

/** Of what is in the kernel's own chains; `others` are rules of others. */
// biome-ignore format: a chain a block
const ORDER: Readonly<Record<string, readonly string[]>> = {
  'filter INPUT': ['KUBE-PORTALS', 'KUBE-PROXY-FIREWALL', 'KUBE-NODEPORTS', 'KUBE-EXTERNAL-SERVICES', 'TENET-INPUT', 'others'],
  'filter FORWARD': ['TENET-GUARD', 'KUBE-PROXY-FIREWALL', 'KUBE-FORWARD', 'KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'others', 'OPENSHIFT-ADMIN-OUTPUT-RULES', 'TENET-FORWARD'],
  'filter OUTPUT': ['KUBE-PROXY-FIREWALL', 'KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'others'],
  'nat PREROUTING': ['KUBE-SERVICES', 'others'],
  'nat OUTPUT': ['KUBE-SERVICES', 'others'],
  'nat POSTROUTING': ['KUBE-POSTROUTING', 'others', 'TENET-MASQUERADE'],
};

sweep(PREFIX);

for (const variant of ['nft', 'legacy'] as const) {
  describe(`with iptables-${variant}`, () => {
    test('the chains of services are called in their order, around the rules of others, and once', async () => {
      using node = new Rules(variant);
      for (const [at] of Object.entries(ORDER)) node.iptables(...words(at), '-s', '192.0.2.9', '-j', 'ACCEPT');
      await node.converge(WITH);
      for (const [at, called] of Object.entries(ORDER)) assert.deepEqual(await node.called(at), called, at);
    });

    test('they come back to their places after others have taken them away or gone before them', async () => {
      using node = new Rules(variant);
      await node.converge(WITH);
      for (const table of ['filter', 'nat']) node.iptables('-t', table, '-F', 'OUTPUT');
      node.iptables('-I', 'FORWARD', '-s', '192.0.2.9', '-j', 'ACCEPT');
      node.iptables('-I', 'INPUT', '-s', '192.0.2.9', '-j', 'ACCEPT');
      await node.converge(WITH);
      for (const at of ['filter INPUT', 'filter FORWARD']) assert.deepEqual(await node.called(at), ORDER[at], at);
      assert.deepEqual(await node.called('nat OUTPUT'), ['KUBE-SERVICES']);
    });

    test('what the service rules hold is never touched, and without them their chains are left to who removes them', async () => {
      using node = new Rules(variant);
      await node.converge(WITH);
      node.iptables('-t', 'nat', '-A', 'KUBE-SERVICES', '-d', '172.30.0.9', '-j', 'RETURN');
      node.iptables('-t', 'nat', '-F', 'PREROUTING');
      await node.converge(WITH);
      assert.match(await node.saved(), /-A KUBE-SERVICES -d 172\.30\.0\.9\/32 -j RETURN/);
      assert.doesNotMatch(planRestore(WITHOUT, parseIptablesSave(await node.saved())) ?? '', /KUBE-/);
      node.iptables('-t', 'nat', '-F', 'PREROUTING');
      await node.converge(WITHOUT);
      assert.deepEqual(await node.called('nat PREROUTING'), []);
    });
  });
}

/** The rules of a namespace of its own. */
class Rules {
  readonly #variant: IptablesVariant;
  readonly #name: string;
  readonly #namespace: string;

  constructor(variant: IptablesVariant) {
    this.#variant = variant;
    this.#name = `${PREFIX}-${process.pid}-${variant}`;
    this.#namespace = `/run/netns/${this.#name}`;
    createNamespace(this.#namespace);
  }

  saved(): Promise<string> {
    return iptablesSave({ variant: this.#variant, namespace: this.#namespace, signal });
  }

  iptables(...args: readonly string[]): void {
    const { status, stderr } = spawnSync('ip', ['netns', 'exec', this.#name, `iptables-${this.#variant}`, ...args]);
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  }

  /** One restore suffices. */
  async converge(desired: DesiredRules): Promise<void> {
    const restore = planRestore(desired, parseIptablesSave(await this.saved()));
    if (restore !== undefined)
      await iptablesRestore(restore, { variant: this.#variant, namespace: this.#namespace, signal, noflush: true });
    assert.equal(planRestore(desired, parseIptablesSave(await this.saved())), undefined);
  }

  /** The chains that a chain of the kernel calls, in order. */
  async called(at: string): Promise<readonly string[]> {
    const [table = '', chain = ''] = at.split(' ');
    const rules =
      parseIptablesSave(await this.saved())
        .tables.get(table)
        ?.chains.get(chain)?.rules ?? [];
    return rules.map((rule) => (formatRule(rule).includes('192.0.2.9') ? 'others' : (rule.target?.name ?? '')));
  }

  [Symbol.dispose](): void {
    deleteNamespace(this.#namespace);
  }
}

/** `filter INPUT` as options that add to it. */
function words(at: string): readonly string[] {
  const [table = '', chain = ''] = at.split(' ');
  return ['-t', table, '-A', chain];
}
