/** One port of a service in kube-proxy's layout: chains of its own, and rules by which constant chains lead there. */
import type { Portal, ProxiedEndpoint, ProxiedPort, ProxyNode } from '../proxied-port.ts';
import { endpointChain } from './chain-names.ts';
import type { ChainRule } from './edits.ts';
import {
  choiceRules,
  endpointRules,
  guardRules,
  masqueradedRules,
  masqueradeRule,
  portalRules,
  sourceKeptRules,
  type Target,
} from './port-chains.ts';
import { draftOf, type PortDraft, refusalOf } from './port-draft.ts';
import {
  clusterIpEntry,
  externalEntries,
  healthCheckEntries,
  portalEntry,
  refusedInside,
  refusedOutside,
} from './port-entries.ts';

export interface PortRules {
  /** Chains of the nat table with all their rules as iptables-save prints them, called chains before their callers. */
  readonly chains: ReadonlyMap<string, string>;
  readonly entries: readonly ChainRule[];
}

/** All rules of a port: the same text for equal ports and nodes. */
export function portRules(port: ProxiedPort, node: ProxyNode): PortRules {
  const draft = draftOf(port, node);
  return port.portal === undefined ? awake(draft) : asleep(draft, port.portal);
}

function awake(draft: PortDraft): PortRules {
  const { port, names, isExternal, isGuarded } = draft;
  const { clusterEndpoints, localEndpoints, internalTrafficPolicy, externalTrafficPolicy } = port;
  const isInwardLocal = internalTrafficPolicy === 'Local';
  const isOutwardLocal = isExternal && externalTrafficPolicy === 'Local';
  // By external addresses pods and the node itself reach all endpoints, whatever the policy.
  const all = isInwardLocal && !isExternal ? [] : targetsOf(port, clusterEndpoints);
  const local = isInwardLocal || isOutwardLocal ? targetsOf(port, localEndpoints) : [];
  const inward = isInwardLocal ? local : all;
  const outward = isOutwardLocal ? local : all;
  const hasOutside = isExternal && (all.length > 0 || outward.length > 0);

  const chains = new Map<string, string>();
  for (const target of [...all, ...local])
    if (!chains.has(target.chain)) chains.set(target.chain, listing(target.chain, endpointRules(draft, target)));
  for (const [chain, endpoints] of [
    [names.svc, all],
    [names.svl, local],
  ] as const) {
    if (endpoints.length === 0) continue;
    const first = endpoints === inward ? [masqueradeRule(draft)] : [];
    chains.set(chain, listing(chain, [...first, ...choiceRules(draft, endpoints)]));
  }
  if (hasOutside) {
    const rules = isOutwardLocal
      ? sourceKeptRules(draft, { hasAny: all.length > 0, hasLocal: outward.length > 0 })
      : masqueradedRules(draft);
    chains.set(names.ext, listing(names.ext, rules));
    if (isGuarded) chains.set(names.fw, listing(names.fw, guardRules(draft, names.ext)));
  }
  return {
    chains,
    entries: [
      inward.length > 0
        ? clusterIpEntry(draft, isInwardLocal ? names.svl : names.svc)
        : refusedInside(draft, refusalOf(internalTrafficPolicy, port)),
      ...(hasOutside ? externalEntries(draft, names.ext) : []),
      ...(outward.length === 0 ? refusedOutside(draft, refusalOf(externalTrafficPolicy, port)) : []),
      ...healthCheckEntries(draft),
    ],
  };
}

/** While a port sleeps all of its addresses lead to the portal, which wakes it for whomever may reach the service. */
function asleep(draft: PortDraft, portal: Portal): PortRules {
  const { names, isGuarded } = draft;
  const chains = new Map([[names.svc, listing(names.svc, portalRules(draft, portal))]]);
  if (isGuarded) chains.set(names.fw, listing(names.fw, guardRules(draft, names.svc)));
  return {
    chains,
    entries: [
      clusterIpEntry(draft, names.svc),
      ...externalEntries(draft, names.svc),
      portalEntry(draft, portal),
      ...healthCheckEntries(draft),
    ],
  };
}

function targetsOf(port: ProxiedPort, endpoints: readonly ProxiedEndpoint[]): readonly Target[] {
  return endpoints.map((endpoint) => ({ ...endpoint, chain: endpointChain(port, endpoint) }));
}

function listing(chain: string, rules: readonly string[]): string {
  return rules.map((rule) => `-A ${chain} ${rule}\n`).join('');
}
