/** A private node whose daemon forwards services, and what its kernel has of them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { managedBy } from './managed-slice.ts';
import { type PrivateNode, privateNode, until } from './private-node.ts';

type Mode = 'iptables' | 'nftables' | 'none';
type Variant = 'nft' | 'legacy';

export interface NodeWithServices extends AsyncDisposable {
  readonly node: PrivateNode;
  /** Makes a service and its endpoints, each `ADDRESS`, all at port 8080. */
  add(name: string, clusterIp: string, endpoints: readonly string[]): Promise<void>;
  /** Gives a service other endpoints. */
  change(name: string, endpoints: readonly string[]): Promise<void>;
  remove(name: string): Promise<void>;
  /** All rules of iptables and nftables that are there, without what they have counted; right behind a script if given. */
  rules(behind?: string): Promise<string>;
  /** Resolves when the rules are those, in whatever order; after how many milliseconds. */
  untilRules(expected: string): Promise<number>;
  /** Resolves when an endpoint is in the rules, or is not any more; returns after how long. */
  untilThere(endpoint: string): Promise<number>;
  untilGone(endpoint: string): Promise<number>;
  /** Runs a script of the shell in the node's namespace. */
  shell(script: string): Promise<string>;
  /** Which back end the next daemon is to use. */
  choose(mode: Mode): void;
}

/** Makes the node; its daemon is to be started. */
export async function nodeWithServices({
  mode,
  variant = 'nft',
}: {
  readonly mode: Mode;
  readonly variant?: Variant;
}): Promise<NodeWithServices> {
  const node = await privateNode({ proxy: { mode } });
  await node.kube.create('Namespace', { metadata: { name: 'alpha' } });
  const shell = (script: string) => node.ovs.inNetns('sh', '-ec', script);
  // Others use this variant, so it is the one.
  await shell(`iptables-${variant} -A OUTPUT -d 192.0.2.9 -j ACCEPT`);

  async function rules(behind = ''): Promise<string> {
    const saved = await shell(
      `${behind}
 iptables-nft-save; iptables-legacy-save; nft list table ip tenet 2>/dev/null || true`,
    );
    return saved
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.replace(/ \[\d+:\d+\]$/, '').replace(/counter packets \d+ bytes \d+/, 'counter'))
      .join('\n');
  }

  async function awaitEndpoint(endpoint: string, isThere: boolean): Promise<number> {
    const startMs = performance.now();
    // As `-j DNAT` writes it, and as an element of a map.
    const written = [`${endpoint}:8080`, `${endpoint} . 8080`];
    await until(
      async () => {
        const text = await rules();
        return written.some((each) => text.includes(each)) === isThere ? true : undefined;
      },
      `${endpoint} is ${isThere ? '' : 'no longer '}in the rules`,
    );
    return performance.now() - startMs;
  }

  async function untilRules(expected: string): Promise<number> {
    const startMs = performance.now();
    let now = '';
    await until(async () => {
      now = await rules();
      return sorted(now) === sorted(expected) ? true : undefined;
    }, 'the rules are as expected').catch((error) => assert.equal(sorted(now), sorted(expected), String(error)));
    return performance.now() - startMs;
  }

  return {
    node,
    shell,
    rules,
    untilRules,
    async add(name, clusterIP, endpoints) {
      const metadata = { name, namespace: 'alpha' };
      const ports = [{ port: 80, protocol: 'TCP' }];
      await node.kube.create('Service', { metadata, spec: { clusterIP, ports, selector: { app: name } } });
      await node.kube.create('EndpointSlice', {
        metadata: {
          name: `${name}-1`,
          namespace: 'alpha',
          labels: managedBy(name),
        },
        addressType: 'IPv4',
        ports: [{ name: '', port: 8080, protocol: 'TCP' }],
        endpoints: ready(endpoints),
      });
    },
    async change(name, endpoints) {
      await node.kube.patch(
        'EndpointSlice',
        { name: `${name}-1`, namespace: 'alpha' },
        { endpoints: ready(endpoints) },
      );
    },
    async remove(name) {
      await node.kube.delete('EndpointSlice', { name: `${name}-1`, namespace: 'alpha' });
      await node.kube.delete('Service', { name, namespace: 'alpha' });
    },
    untilThere: (endpoint) => awaitEndpoint(endpoint, true),
    untilGone: (endpoint) => awaitEndpoint(endpoint, false),
    choose(next) {
      const file = join(node.ovs.directory, 'config.yaml');
      const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
      assert.ok(typeof config === 'object' && config !== null);
      writeFileSync(file, JSON.stringify({ ...config, proxy: { mode: next } }));
    },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

/** Chains and elements stand in the order of their making. */
function sorted(rules: string): string {
  return rules
    .split(/\n|, /)
    .map((line) => line.trim())
    .sort()
    .join('\n');
}

function ready(endpoints: readonly string[]) {
  return endpoints.map((address) => ({ addresses: [address], conditions: { ready: true } }));
}
