/** Services of every kind in each back end on a real kernel: what becomes of packets to them is what was promised. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { ProxiedPort } from '@tenet/proxy';
import { checkServiceRules, type RulesReport, type Spoil } from './check-service-rules.ts';
import { BACK_ENDS } from './service-back-ends.ts';

const seed = process.env.TENET_SERVICES_SEED ?? randomBytes(4).toString('hex');
const SIZE = { services: 80, worlds: 3, packets: 400, traced: 24 };
/** Enough to meet what was planted; most of its packets go astray, and none of them comes later. */
const PLANTED_SIZE = { services: 30, worlds: 1, packets: 600, traced: 4, latestMs: 20 };

/** What a planner could do wrong, and the clause by which it shows. */
const PLANTED: readonly {
  readonly what: string;
  readonly spoil: Spoil;
  readonly shows: RegExp;
}[] = [
  {
    what: 'an endpoint that speaks to itself is not masqueraded',
    spoil: {
      text: (text) =>
        text
          .replace(/^-[AI] KUBE-SEP-\S+ .*-s .* -j KUBE-MARK-MASQ$/gm, '')
          .replace('@hairpins masquerade fully-random', '@hairpins accept'),
    },
    shows: /cluster IP, \w+, pod, perhaps itself/,
  },
  {
    what: 'source ranges are ignored',
    spoil: { port: (port) => ({ ...port, sourceRanges: [] }) },
    shows: /source range, outside\): promised dropped/,
  },
  {
    what: 'externalTrafficPolicy Local is taken for Cluster',
    spoil: { port: (port) => ({ ...port, externalTrafficPolicy: 'Cluster' }) },
    shows: /Local, outside/,
  },
  {
    what: 'internalTrafficPolicy Local is taken for Cluster',
    spoil: { port: (port) => ({ ...port, internalTrafficPolicy: 'Cluster' }) },
    shows: /cluster IP, Local, (?:pod|node)/,
  },
  {
    what: 'affinity is forgotten',
    spoil: {
      port({ affinitySeconds: _, ...port }): ProxiedPort {
        return port;
      },
    },
    shows: /affinity/,
  },
  {
    what: 'ports without endpoints are left out',
    spoil: { port: (port) => ({ ...port, hasEndpointsSomewhere: true }) },
    shows: /no endpoint\): promised refused/,
  },
  {
    what: 'the first endpoint has the port of another service',
    spoil: {
      port: (port) => ({
        ...port,
        clusterEndpoints: port.clusterEndpoints.map((each, at) => (at === 0 ? { ...each, port: 7 } : each)),
      }),
    },
    shows: /seen to \S+:7 from/,
  },
  {
    what: 'a portal lets in who has not come by its service',
    spoil: {
      text: (text) =>
        text.replace(/^-[AI] KUBE-PORTALS .*$/gm, '').replace('@portal-sockets drop', '@portal-sockets accept'),
    },
    shows: /portal itself/,
  },
];

describe(`services by TENET_SERVICES_SEED=${seed}`, () => {
  for (const backEnd of BACK_ENDS)
    test(`${backEnd.name} does with packets what was promised while services change`, async (t) => {
      const report = await checkServiceRules({ backEnd, seed, ...SIZE });
      t.diagnostic(`${report.clauses.size} clauses were tried, ${report.tracedRules} rules were traced`);
      assert.ok(report.mistakes.length === 0, mistakesOf(report));
      assert.ok(report.clauses.size >= 60, `only ${report.clauses.size} clauses were tried`);
      assert.ok(report.tracedRules >= 5 * SIZE.worlds * SIZE.traced, `only ${report.tracedRules} rules were traced`);
    });
});

describe('checkServiceRules() notices', () => {
  // One planner plans for both variants of iptables.
  for (const { what, spoil, shows } of PLANTED)
    for (const backEnd of BACK_ENDS.filter(({ variant }) => variant === 'nft'))
      test(`in ${backEnd.name} when ${what}`, async () => {
        const report = await checkServiceRules({ backEnd, seed: 'planted', ...PLANTED_SIZE, spoil });
        assert.ok(report.mistakes.length > 0, 'nothing was noticed');
        assert.match(mistakesOf(report), shows);
      });
});

function mistakesOf({ mistakes }: RulesReport): string {
  return `${mistakes.length} mistakes:\n${mistakes.slice(0, 10).join('\n')}`;
}
