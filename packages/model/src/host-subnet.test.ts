import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError, Prefix } from '@tenet/std';
import { ANNOTATION } from './annotations.ts';
import { gatewayOf, parseHostSubnet } from './host-subnet.ts';
import type { HostSubnetObject } from './objects.ts';

const GOOD: HostSubnetObject = {
  metadata: { name: 'dt-infra1', uid: 'u-1' },
  host: 'dt-infra1',
  hostIP: '10.122.70.72',
  subnet: '10.131.2.0/23',
};

const annotated = (annotations: Record<string, string>, change: Partial<HostSubnetObject> = {}): HostSubnetObject => ({
  ...GOOD,
  ...change,
  metadata: { ...GOOD.metadata, annotations },
});

// biome-ignore format: one row per line
const INVALID: readonly [why: string, object: HostSubnetObject, field: string, says: RegExp][] = [
  ['another host than its name',         { ...GOOD, host: 'other' },            'host', /"other" must be the object's name/],
  ['no host IP',                         { ...GOOD, hostIP: '' },               'hostIP', /is missing/],
  ['a host IP that is a name',           { ...GOOD, hostIP: 'dt-infra1' },      'hostIP', /is wrong/],
  ['an IPv6 host IP',                    { ...GOOD, hostIP: 'fd00::1' },        'hostIP', /IPv6, which is not supported yet/],
  ['an empty subnet, without a request', { ...GOOD, subnet: '' },               'subnet', /is missing/],
  ['a subnet with host bits',            { ...GOOD, subnet: '10.131.2.1/23' },  'subnet', /10\.131\.2\.0\/23/],
  ['an IPv6 subnet',                     { ...GOOD, subnet: 'fd01::/64' },      'subnet', /IPv6, which is not supported yet/],
  ['a subnet without room for a pod',    { ...GOOD, subnet: '10.131.2.0/31' },  'subnet', /no room for a pod/],
  ['a wrong subnet despite a request',   annotated({ [ANNOTATION.assignSubnet]: 'true' }, { subnet: 'x' }), 'subnet', /is wrong/],
  ['a fixed VNID of 25 bits',            annotated({ [ANNOTATION.fixedVnidHost]: '16777216' }), `annotation ${ANNOTATION.fixedVnidHost}`, /"16777216" is not a VNID/],
  ['a negative fixed VNID',              annotated({ [ANNOTATION.fixedVnidHost]: '-1' }),       `annotation ${ANNOTATION.fixedVnidHost}`, /"-1" is not a VNID/],
  ['a fixed VNID that is no number',     annotated({ [ANNOTATION.fixedVnidHost]: '' }),         `annotation ${ANNOTATION.fixedVnidHost}`, /"" is not a VNID/],
];

describe('parseHostSubnet() refuses', () => {
  for (const [why, object, field, says] of INVALID) {
    test(why, () => {
      assert.throws(
        () => parseHostSubnet(object),
        (error) => {
          assert(isTenetError(error, 'OBJECT_INVALID'));
          assert.equal(error.facts.field, field);
          assert.match(error.message, says);
          return true;
        },
      );
    });
  }
});

describe('parseHostSubnet()', () => {
  test('reads a node', () => {
    const { hostIp, subnet, ...rest } = parseHostSubnet(GOOD);
    assert.equal(hostIp.toString(), '10.122.70.72');
    assert.equal(subnet?.toString(), '10.131.2.0/23');
    assert.deepEqual(rest, { name: 'dt-infra1', uid: 'u-1', createdAt: '', assignSubnet: false });
  });

  test('reads the owner and the fixed VNID', () => {
    const read = parseHostSubnet(annotated({ [ANNOTATION.nodeUid]: 'n-1', [ANNOTATION.fixedVnidHost]: '16777215' }));
    assert.equal(read.nodeUid, 'n-1');
    assert.equal(read.fixedVnid, 0xff_ffff);
  });

  test('has no subnet while the assign-subnet annotation asks for one, whatever its value', () => {
    const read = parseHostSubnet(annotated({ [ANNOTATION.assignSubnet]: '' }, { subnet: '' }));
    assert.equal(read.assignSubnet, true);
    assert.equal(read.subnet, undefined);
  });

  test('reads an absent subnet as an empty one', () => {
    const { subnet: _, ...without } = annotated({ [ANNOTATION.assignSubnet]: 'true' });
    assert.equal(parseHostSubnet(without as HostSubnetObject).subnet, undefined);
  });
});

test('gatewayOf() is the first address of the subnet', () => {
  assert.equal(gatewayOf(Prefix.parse('10.131.2.0/23')).toString(), '10.131.2.1');
  assert.equal(gatewayOf(Prefix.parse('10.1.0.64/26')).toString(), '10.1.0.65');
});
