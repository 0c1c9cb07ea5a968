import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Chain, isBuiltIn, parseRule } from '@tenet/netfilter';
import fc from 'fast-check';
import { ModelledIptables } from '../../testing/modelled-iptables.ts';
import { endpointAt, ZOO_NODE, zooPorts } from '../../testing/port-zoo.ts';
import { type ProxiedPort, portLabel } from '../proxied-port.ts';
import { IptablesPlanner } from './iptables-planner.ts';

type Ports = ReadonlyMap<string, ProxiedPort>;

const ENDPOINTS = ['10.128.0.7:8080', '10.131.2.46:8080', '10.131.2.46:8081', '192.0.2.77:80'].map(endpointAt);
const ZOO = zooPorts();

/** Some of the zoo, with other endpoints; a port that is drawn again in the same way is the same object. */
const anyPorts: fc.Arbitrary<Ports> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ZOO.keys()), fc.nat({ max: 15 })), { selector: ([key]) => key })
  .map((drawn) => new Map(drawn.map(([key, which]) => [key, variantOf(key, which)])));

const VARIANTS = new Map<string, ProxiedPort>();

/** A port of the zoo with the endpoints whose bit is set. */
function variantOf(key: string, which: number): ProxiedPort {
  const port = ZOO.get(key);
  if (port === undefined) throw new RangeError(`no ${key} in the zoo`);
  const name = `${key} ${which}`;
  const known = VARIANTS.get(name);
  if (known !== undefined) return known;
  const clusterEndpoints = ENDPOINTS.filter((_, at) => (which >> at) & 1);
  const variant =
    port.portal === undefined
      ? {
          ...port,
          clusterEndpoints,
          localEndpoints: clusterEndpoints.slice(1, 2),
          hasEndpointsSomewhere: clusterEndpoints.length > 0,
        }
      : port;
  VARIANTS.set(name, variant);
  return variant;
}

/** What somebody may do to a chain of ours. */
const DAMAGES: Readonly<Record<string, (rules: Chain['rules']) => Chain['rules']>> = {
  flushed: () => [],
  'without its first rule': (rules) => rules.slice(1),
  'without its last rule': (rules) => rules.slice(0, -1),
  'with its last rule first': (rules) => [...rules.slice(-1), ...rules.slice(0, -1)],
  'with its first rule twice': (rules) => [...rules, ...rules.slice(0, 1)],
  'with a rule before': (rules) => [parseRule('-s 192.0.2.1/32 -j RETURN'), ...rules],
  'with a rule behind': (rules) => [...rules, parseRule('-m comment --comment "a b" -j ACCEPT')],
};

const anyDamage = fc.tuple(fc.nat(), fc.constantFrom(...Object.keys(DAMAGES)));

/** Others' chains, one of which calls two of ours. */
const STRANGERS = [':OTHERS - [0:0]', '-A OTHERS -j KUBE-SERVICES', '-A OTHERS -j RETURN', '-A PREROUTING -j OTHERS'];

function damage(node: ModelledIptables, [which, how]: readonly [number, string]): void {
  const ours = [...node.ruleset.tables].flatMap(([table, { chains }]) =>
    [...chains.keys()].flatMap((chain) => (isBuiltIn(table, chain) || chain === 'OTHERS' ? [] : [{ table, chain }])),
  );
  const at = ours[which % ours.length];
  if (at === undefined) return;
  const chain = node.chain(at.table, at.chain);
  chain.rules = DAMAGES[how]?.(chain.rules) ?? [];
}

/** All lines; of chains whose order means nothing in any order. */
function state(node: ModelledIptables): string[] {
  return node.save().split('\n').toSorted();
}

function fresh(ports: Ports): ModelledIptables {
  const node = new ModelledIptables();
  node.add('nat', ':KUBE-SERVICES - [0:0]', ...STRANGERS);
  node.sync(observing(node), ports);
  return node;
}

function observing(node: ModelledIptables): IptablesPlanner {
  const planner = new IptablesPlanner({ node: ZOO_NODE });
  planner.observe(node.save());
  return planner;
}

test('plan() reaches what the ports ask for and then has nothing to say, whatever was there and was done to it', () => {
  fc.assert(
    fc.property(
      anyPorts,
      fc.array(anyDamage, { maxLength: 4 }),
      anyPorts,
      fc.boolean(),
      (before, harm, after, isNew) => {
        const node = fresh(before);
        let planner = observing(node);
        planner.plan(before);
        for (const one of harm) damage(node, one);
        if (isNew) planner = new IptablesPlanner({ node: ZOO_NODE });
        planner.observe(node.save());
        node.sync(planner, after);
        assert.deepEqual(state(node), state(fresh(after)));
        assert.equal(planner.observe(node.save()), true);
        assert.deepEqual(planner.plan(after), []);
        assert.deepEqual(observing(node).plan(after), []);
      },
    ),
    { numRuns: 60 },
  );
});

test('plan() names no service that did not change, however many changes follow each other', () => {
  fc.assert(
    fc.property(fc.array(anyPorts, { minLength: 2, maxLength: 4 }), (steps) => {
      const [first = new Map(), ...rest] = steps;
      const node = fresh(first);
      const planner = observing(node);
      assert.deepEqual(planner.plan(first), []);
      let before: Ports = first;
      for (const after of rest) {
        const text = node.sync(planner, after).join('');
        for (const [key, port] of after)
          if (before.get(key) === port) assert.doesNotMatch(text, new RegExp(`"${portLabel(port)}[ "]`));
        assert.deepEqual(state(node), state(fresh(after)));
        before = after;
      }
    }),
    { numRuns: 30 },
  );
});
