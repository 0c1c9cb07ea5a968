import type { ClusterNetwork, HostSubnetObject } from '@tenet/model';
import { Prefix } from '@tenet/std';
import { byAge } from '../by-age.ts';
import { controllerError } from '../errors.ts';
import { attempt, type Refusal, subjectOf } from '../refusal.ts';
import { SubnetAllocator } from './subnet-allocator.ts';

/** What is taken, and what is wrong with it. */
export interface SubnetSurvey {
  readonly allocator: SubnetAllocator;
  readonly refusals: readonly Refusal[];
}

/**
 * Marks all that any HostSubnet claims as taken, oldest first, also when the object is wrong otherwise: nothing that
 * somebody may be using is handed out. The younger of two that overlap is reported, and so is one outside all ranges.
 */
export function surveySubnets(
  hostSubnets: Iterable<HostSubnetObject>,
  { ranges, cursors }: Pick<ClusterNetwork, 'ranges'> & { readonly cursors: readonly number[] },
): SubnetSurvey {
  const allocator = new SubnetAllocator(ranges, cursors);
  const refusals: Refusal[] = [];
  for (const object of [...hostSubnets].sort(byAge)) {
    const read = attempt(() => Prefix.parseLoose(object.subnet ?? ''));
    if ('error' in read || read.value.family !== 4) continue;
    const subject = subjectOf('HostSubnet', object);
    const facts = { name: object.metadata.name, subnet: read.value.toString() };
    const owners = allocator.claim(read.value, facts.name);
    if (owners.length > 0) refusals.push({ subject, error: controllerError('SUBNET_OVERLAPS', { ...facts, owners }) });
    if (!allocator.isInside(read.value)) {
      const texts = ranges.map(({ cidr }) => cidr.toString());
      refusals.push({ subject, error: controllerError('SUBNET_OUTSIDE_RANGES', { ...facts, ranges: texts }) });
    }
  }
  return { allocator, refusals };
}
