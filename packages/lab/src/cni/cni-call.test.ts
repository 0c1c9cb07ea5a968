import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, cniEnvironment, cniInput, parseCniFailure, parseNetworkConfiguration } from './cni-call.ts';

const LIST = JSON.stringify({
  cniVersion: '1.1.0',
  name: 'tenet',
  plugins: [{ type: 'tenet-cni', capabilities: { ips: true, mac: false }, socket: '/s' }],
});

const WRONG: readonly (readonly [text: string, problem: RegExp])[] = [
  ['{', /is no JSON/],
  ['[]', /is no object/],
  ['{"cniVersion":"1.1.0","plugins":[{"type":"x"}]}', /has no name/],
  ['{"name":"a","plugins":[{"type":"x"}]}', /has no cniVersion/],
  ['{"name":"a","cniVersion":"1.1.0","plugins":[]}', /lists no plugins/],
  ['{"name":"a","cniVersion":"1.1.0","plugins":[{}]}', /without a type/],
  ['{"name":"a","cniVersion":"1.1.0","plugins":[{"type":"../sh"}]}', /of the type/],
];

for (const [text, problem] of WRONG) {
  test(`parseNetworkConfiguration() says that ${text} ${problem.source}`, () =>
    assert.throws(() => parseNetworkConfiguration(text, '/f'), { code: 'CNI_CONFIGURATION', message: problem }));
}

function input(extra: Parameters<typeof cniInput>[2]): unknown {
  const network = parseNetworkConfiguration(LIST, '/f');
  const [plugin] = network.plugins;
  assert.ok(plugin !== undefined);
  return JSON.parse(cniInput(network, plugin, extra));
}

test('cniInput() merges name and version and leaves the capabilities out', () =>
  assert.deepEqual(input({}), { type: 'tenet-cni', socket: '/s', name: 'tenet', cniVersion: '1.1.0' }));

test('cniInput() passes on an address when the plugin declares that it can', () => {
  const { runtimeConfig } = input({ ip: '10.131.2.45' }) as { runtimeConfig?: unknown };
  assert.deepEqual(runtimeConfig, { ips: ['10.131.2.45'] });
});

test('cniInput() withholds an address when the plugin does not declare that it can', () => {
  const network = parseNetworkConfiguration(LIST.replace('"ips":true', '"ips":false'), '/f');
  const [plugin] = network.plugins;
  assert.ok(plugin !== undefined);
  assert.doesNotMatch(cniInput(network, plugin, { ip: '10.131.2.45' }), /runtimeConfig/);
});

test('cniInput() hands the result of the plugin before on', () =>
  assert.deepEqual((input({ prevResult: { ips: [] } }) as { prevResult?: unknown }).prevResult, { ips: [] }));

test('cniEnvironment() says all that the protocol asks for', () => {
  const pod = { namespace: 'alpha', name: 'web', uid: 'u-1' };
  const call = { command: 'ADD', containerId: 'c0', namespace: '/run/netns/x', binDirectory: '/b', pod } as const;
  assert.deepEqual(cniEnvironment(call), {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c0',
    CNI_NETNS: '/run/netns/x',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/b',
    CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=alpha;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c0;K8S_POD_UID=u-1',
  });
});

const RESULTS: readonly (readonly [result: unknown, address: string | undefined])[] = [
  [undefined, undefined],
  [{}, undefined],
  [{ ips: [] }, undefined],
  [{ ips: [{ address: '10.131.2.45/23' }] }, '10.131.2.45'],
  [{ ip4: { ip: '10.131.2.45/23' } }, '10.131.2.45'],
];

for (const [result, address] of RESULTS) {
  test(`addressOf() is ${address} when the result is ${JSON.stringify(result)}`, () =>
    assert.equal(addressOf(result), address));
}

test('parseCniFailure() takes the last line of standard error when the plugin wrote no JSON', () =>
  assert.deepEqual(parseCniFailure('', 'a\nb\n'), { code: 999, message: 'b', details: '' }));

test('parseCniFailure() reads code, message and details', () =>
  assert.deepEqual(parseCniFailure('{"code":11,"msg":"try later","details":"no agent"}', ''), {
    code: 11,
    message: 'try later',
    details: 'no agent',
  }));
