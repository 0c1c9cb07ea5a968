import { ANNOTATION, type ClusterNetwork, type HostSubnetObject, type NodeObject, parseHostSubnet } from '@tenet/model';
import { isTenetError, type Prefix } from '@tenet/std';
import type { Action } from '../action.ts';
import { byAge } from '../by-age.ts';
import { controllerError } from '../errors.ts';
import { attempt, type Refusal, subjectOf } from '../refusal.ts';
import { hostAddress, internalAddressOf } from './host-address.ts';
import { hostSubnetFor, requestedHostSubnet } from './host-subnet-object.ts';
import { surveySubnets } from './survey-subnets.ts';

/** What is there. Keys are names. */
export interface SubnetWorld {
  readonly nodes: ReadonlyMap<string, NodeObject>;
  readonly hostSubnets: ReadonlyMap<string, HostSubnetObject>;
  readonly network: ClusterNetwork;
}

/** What one pass leaves to the next. Nothing goes wrong when it is lost, except as said. */
export interface SubnetState {
  readonly cursors: readonly number[];
  /**
   * Replacements whose first half, the deletion, may be done without the second. Lost with the process: an admin who
   * sees such a HostSubnet vanish in that moment must write it again.
   */
  readonly replacing: ReadonlyMap<string, HostSubnetObject>;
}

/** What to write, what to tell, what to remember. */
export interface SubnetPlan {
  readonly actions: readonly Action<'HostSubnet'>[];
  readonly refusals: readonly Refusal[];
  readonly state: SubnetState;
}

export const NO_SUBNET_STATE: SubnetState = { cursors: [], replacing: new Map() };

/** Pure: what must be written so that each Node, and each host that asks, has a HostSubnet of its own. */
export function planSubnets({ nodes, hostSubnets, network }: SubnetWorld, state: SubnetState): SubnetPlan {
  const unfinished = [...state.replacing].filter(([name]) => !hostSubnets.has(name));
  const replacing = new Map(unfinished);
  const claims = [...hostSubnets.values(), ...replacing.values()];
  const survey = surveySubnets(claims, { ranges: network.ranges, cursors: state.cursors });
  const refusals: Refusal[] = [...survey.refusals];
  const actions: Action<'HostSubnet'>[] = [];

  /** A free subnet, or a refusal on the object that wants it. */
  function allocate(kind: 'Node' | 'HostSubnet', wants: NodeObject | HostSubnetObject): Prefix | undefined {
    const { name } = wants.metadata;
    const subnet = survey.allocator.allocate(name);
    if (subnet === undefined) {
      const ranges = network.ranges.map(({ cidr, hostBits }) => `${cidr} (host bits ${hostBits})`);
      refusals.push({ subject: subjectOf(kind, wants), error: controllerError('SUBNETS_EXHAUSTED', { name, ranges }) });
    }
    return subnet;
  }

  /** The address in its canonical form, or a refusal on the object that has it. */
  function usable(kind: 'Node' | 'HostSubnet', has: NodeObject | HostSubnetObject, text: string): string | undefined {
    const address = hostAddress(text, network);
    if ('ip' in address) return address.ip.toString();
    const facts = { kind, name: has.metadata.name, address: JSON.stringify(text), problem: address.problem };
    refusals.push({ subject: subjectOf(kind, has), error: controllerError('HOST_ADDRESS_UNUSABLE', facts) });
    return undefined;
  }

  function nodeAddress(node: NodeObject): string | undefined {
    const text = internalAddressOf(node);
    if (text !== undefined) return usable('Node', node, text);
    const { name } = node.metadata;
    refusals.push({ subject: subjectOf('Node', node), error: controllerError('NODE_ADDRESS_MISSING', { name }) });
    return undefined;
  }

  function replace(old: HostSubnetObject, object: HostSubnetObject, because: string): void {
    const { name, uid = '' } = old.metadata;
    replacing.set(name, object);
    actions.push({ verb: 'replace', kind: 'HostSubnet', name, uid, object, because });
  }

  function planRequest(object: HostSubnetObject): void {
    const hostIP = usable('HostSubnet', object, object.hostIP);
    const subnet = hostIP === undefined ? undefined : allocate('HostSubnet', object);
    if (hostIP === undefined || subnet === undefined) return;
    replace(object, requestedHostSubnet(object, { hostIP, subnet }), 'a subnet was asked for');
  }

  function planForeign(object: HostSubnetObject): void {
    const read = attempt(() => parseHostSubnet(object));
    if ('error' in read) refusals.push({ subject: subjectOf('HostSubnet', object), error: read.error });
    else usable('HostSubnet', object, object.hostIP);
  }

  function planOwned(object: HostSubnetObject, node: NodeObject): void {
    const { name, resourceVersion, annotations = {} } = object.metadata;
    const hostIP = nodeAddress(node);
    const repaired = { ...object, host: name, hostIP: hostIP ?? object.hostIP };
    const read = attempt(() => parseHostSubnet(repaired));
    if ('error' in read) {
      if (isTenetError(read.error) && read.error.facts.field === 'subnet' && hostIP !== undefined) {
        const subnet = allocate('Node', node);
        if (subnet !== undefined) replace(object, hostSubnetFor(node, { hostIP, subnet }), 'its subnet made no sense');
        return;
      }
      refusals.push({ subject: subjectOf('HostSubnet', object), error: read.error });
    }
    const patch = {
      ...(object.host === name ? {} : { host: name }),
      ...(object.hostIP === repaired.hostIP ? {} : { hostIP: repaired.hostIP }),
    };
    const stamp = annotations[ANNOTATION.nodeUid] === undefined && node.metadata.uid !== undefined;
    if (!stamp && Object.keys(patch).length === 0) return;
    const metadata = {
      resourceVersion,
      ...(stamp ? { annotations: { [ANNOTATION.nodeUid]: node.metadata.uid } } : {}),
    };
    const because = stamp ? 'its Node was not written on it' : 'the address of its Node changed';
    actions.push({ verb: 'patch', kind: 'HostSubnet', name, from: object, patch: { metadata, ...patch }, because });
  }

  function planExisting(object: HostSubnetObject): void {
    const { name, uid = '', deletionTimestamp, annotations = {} } = object.metadata;
    if (deletionTimestamp !== undefined) return;
    const node = nodes.get(name);
    const nodeUid = annotations[ANNOTATION.nodeUid];
    if (annotations[ANNOTATION.assignSubnet] !== undefined) planRequest(object);
    else if (nodeUid !== undefined && nodeUid !== node?.metadata.uid) {
      const unless = { kind: 'Node', name, uid: nodeUid } as const;
      const because = node === undefined ? 'its Node is gone' : 'its Node was replaced by another of that name';
      actions.push({ verb: 'delete', kind: 'HostSubnet', name, uid, unless, because });
    } else if (node === undefined) planForeign(object);
    else planOwned(object, node);
  }

  for (const object of [...hostSubnets.values()].sort(byAge)) planExisting(object);
  for (const [name, object] of unfinished) {
    actions.push({ verb: 'create', kind: 'HostSubnet', name, object, because: 'its replacement was under way' });
  }
  for (const node of [...nodes.values()].sort(byAge)) {
    const { name } = node.metadata;
    if (hostSubnets.has(name) || replacing.has(name)) continue;
    const hostIP = nodeAddress(node);
    const subnet = hostIP === undefined ? undefined : allocate('Node', node);
    if (hostIP === undefined || subnet === undefined) continue;
    const object = hostSubnetFor(node, { hostIP, subnet });
    actions.push({ verb: 'create', kind: 'HostSubnet', name, object, because: 'the Node had none' });
  }
  return { actions, refusals, state: { cursors: survey.allocator.cursors, replacing } };
}
