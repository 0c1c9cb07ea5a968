import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CNI_VERSIONS } from '@tenet/model/cni';
import { Ip, isTenetError, Mac, Prefix } from '@tenet/std';
import fc from 'fast-check';
import { addResult, errorAnswer } from './answer.ts';
import { hostVethName } from './attachment.ts';
import { parseCniRequest, type WireRequest } from './request.ts';

const ENVIRONMENT = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'a'.repeat(64),
  CNI_IFNAME: 'eth0',
  CNI_NETNS: '/run/netns/pod',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=alpha;K8S_POD_NAME=web;K8S_POD_UID=u1',
};
const CONFIGURATION = { cniVersion: '1.0.0', name: 'tenet', type: 'tenet-cni' };

function wire(
  environment: Record<string, string | undefined> = {},
  configuration: object | string = CONFIGURATION,
): WireRequest {
  const given = { ...ENVIRONMENT, ...environment };
  return {
    environment: Object.fromEntries(
      Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
    stdin: typeof configuration === 'string' ? configuration : JSON.stringify(configuration),
  };
}

describe('parseCniRequest()', () => {
  const REFUSED: { name: string; request: WireRequest; code: string; cniCode: number }[] = [
    { name: 'no command', request: wire({ CNI_COMMAND: undefined }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'an unknown command', request: wire({ CNI_COMMAND: 'MOVE' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'no container id', request: wire({ CNI_CONTAINERID: undefined }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    {
      name: 'a container id that is a path',
      request: wire({ CNI_CONTAINERID: '../x' }),
      code: 'CNI_ENVIRONMENT',
      cniCode: 4,
    },
    { name: 'no interface name', request: wire({ CNI_IFNAME: '' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    {
      name: 'an interface name of 16 bytes',
      request: wire({ CNI_IFNAME: 'e'.repeat(16) }),
      code: 'CNI_ENVIRONMENT',
      cniCode: 4,
    },
    {
      name: 'an interface name with a slash',
      request: wire({ CNI_IFNAME: 'a/b' }),
      code: 'CNI_ENVIRONMENT',
      cniCode: 4,
    },
    { name: 'no namespace on ADD', request: wire({ CNI_NETNS: '' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'a relative namespace', request: wire({ CNI_NETNS: 'pod' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'no pod', request: wire({ CNI_ARGS: 'IgnoreUnknown=1' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'arguments without =', request: wire({ CNI_ARGS: 'K8S_POD_NAME' }), code: 'CNI_ENVIRONMENT', cniCode: 4 },
    { name: 'garbage on stdin', request: wire({}, '{"cniVersion":'), code: 'CNI_CONFIGURATION', cniCode: 7 },
    { name: 'a list on stdin', request: wire({}, '[]'), code: 'CNI_CONFIGURATION', cniCode: 7 },
    { name: 'no name', request: wire({}, { cniVersion: '1.0.0' }), code: 'CNI_CONFIGURATION', cniCode: 7 },
    {
      name: 'an unknown version',
      request: wire({}, { ...CONFIGURATION, cniVersion: '0.2.0' }),
      code: 'CNI_VERSION',
      cniCode: 1,
    },
    {
      name: 'an address that is none',
      request: wire({}, { ...CONFIGURATION, runtimeConfig: { ips: ['10.1.2'] } }),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
    {
      name: 'CHECK before 0.4.0',
      request: wire({ CNI_COMMAND: 'CHECK' }, { ...CONFIGURATION, cniVersion: '0.3.1', prevResult: {} }),
      code: 'CNI_COMMAND_TOO_NEW',
      cniCode: 1,
    },
    { name: 'GC before 1.1.0', request: wire({ CNI_COMMAND: 'GC' }), code: 'CNI_COMMAND_TOO_NEW', cniCode: 1 },
    { name: 'STATUS before 1.1.0', request: wire({ CNI_COMMAND: 'STATUS' }), code: 'CNI_COMMAND_TOO_NEW', cniCode: 1 },
    {
      name: 'CHECK without a result to compare with',
      request: wire({ CNI_COMMAND: 'CHECK' }),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
    {
      name: 'CHECK with a result that is none',
      request: wire({ CNI_COMMAND: 'CHECK' }, { ...CONFIGURATION, prevResult: { ips: [{}] } }),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
    {
      name: 'CHECK without a namespace',
      request: wire({ CNI_COMMAND: 'CHECK', CNI_NETNS: '' }, { ...CONFIGURATION, prevResult: {} }),
      code: 'CNI_ENVIRONMENT',
      cniCode: 4,
    },
    {
      name: 'GC without a list, which is no word that all may go',
      request: wire({ CNI_COMMAND: 'GC' }, { ...CONFIGURATION, cniVersion: '1.1.0' }),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
    {
      name: 'GC with null for a list',
      request: wire(
        { CNI_COMMAND: 'GC' },
        { ...CONFIGURATION, cniVersion: '1.1.0', 'cni.dev/valid-attachments': null },
      ),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
    {
      name: 'two addresses',
      request: wire({}, { ...CONFIGURATION, runtimeConfig: { ips: ['10.1.2.3', '10.1.2.4'] } }),
      code: 'CNI_CONFIGURATION',
      cniCode: 7,
    },
  ];
  for (const { name, request, code, cniCode } of REFUSED) {
    test(`refuses ${name} with ${code}, which the runtime sees as code ${cniCode}`, () => {
      assert.throws(
        () => parseCniRequest(request),
        (error) => isTenetError(error, code) && (errorAnswer('1.1.0', error) as { code: number }).code === cniCode,
      );
    });
  }

  test('reads an ADD with a requested address, with or without a prefix length', () => {
    for (const ip of ['10.131.2.45', '10.131.2.45/23']) {
      const request = parseCniRequest(wire({}, { ...CONFIGURATION, runtimeConfig: { ips: [ip] } }));
      assert.ok(request.command === 'ADD');
      assert.equal(request.requestedIp?.toString(), '10.131.2.45');
      assert.deepEqual(request.pod, { namespace: 'alpha', name: 'web', uid: 'u1' });
      assert.equal(request.version, '1.0.0');
      assert.equal(request.network, 'tenet');
    }
  });

  test('reads a DEL whose sandbox is gone and whose pod is not named', () => {
    const request = parseCniRequest(wire({ CNI_COMMAND: 'DEL', CNI_NETNS: '', CNI_ARGS: undefined }));
    assert.ok(request.command === 'DEL');
    assert.deepEqual(request.attachment, { containerId: 'a'.repeat(64), ifName: 'eth0' });
  });

  test('reads a CHECK with what the ADD had answered', () => {
    const prevResult = { cniVersion: '1.0.0', ips: [{ address: '10.131.2.45/23', interface: 1 }] };
    const request = parseCniRequest(wire({ CNI_COMMAND: 'CHECK' }, { ...CONFIGURATION, prevResult }));
    assert.ok(request.command === 'CHECK');
    assert.equal(request.previous.ips[0]?.address, '10.131.2.45/23');
    assert.deepEqual(request.previous.routes, []);
  });

  const NEWEST = { ...CONFIGURATION, cniVersion: '1.1.0' };
  const NO_ATTACHMENT = {
    CNI_CONTAINERID: undefined,
    CNI_IFNAME: undefined,
    CNI_NETNS: undefined,
    CNI_ARGS: undefined,
  };

  for (const key of ['cni.dev/valid-attachments', 'cni.dev/attachments']) {
    test(`reads the attachments that a GC names in ${key}`, () => {
      const list = [{ containerID: 'c1', ifname: 'eth0' }];
      const request = parseCniRequest(wire({ ...NO_ATTACHMENT, CNI_COMMAND: 'GC' }, { ...NEWEST, [key]: list }));
      assert.ok(request.command === 'GC');
      assert.deepEqual(request.valid, [{ containerId: 'c1', ifName: 'eth0' }]);
    });
  }

  test('reads a STATUS, which names no attachment', () => {
    const { command } = parseCniRequest(wire({ ...NO_ATTACHMENT, CNI_COMMAND: 'STATUS' }, NEWEST));
    assert.equal(command, 'STATUS');
  });

  test('reads an ADD and a DEL whatever their prevResult is, since they do not use it', () => {
    for (const CNI_COMMAND of ['ADD', 'DEL'])
      assert.equal(parseCniRequest(wire({ CNI_COMMAND }, { ...CONFIGURATION, prevResult: 7 })).command, CNI_COMMAND);
  });

  test('any text at all is a request or an error of ours', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(ENVIRONMENT)), text), text, (environment, stdin) => {
        try {
          parseCniRequest({ environment, stdin });
        } catch (error) {
          assert.ok(isTenetError(error), String(error));
        }
      }),
    );
  });
});

describe('addResult()', () => {
  const wired = {
    ifName: 'eth0',
    netns: '/run/netns/pod',
    hostVeth: 'veth01234567',
    ip: Ip.parse('10.131.2.45'),
    mac: Mac.parse('0a:58:0a:83:02:2d'),
    mtuBytes: 1450,
    subnet: Prefix.parse('10.131.2.0/23'),
    gateway: Ip.parse('10.131.2.1'),
    clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  };
  for (const version of CNI_VERSIONS) {
    test(`in version ${version} has the address, bound to the pod's end`, () => {
      const result = addResult(version, wired) as {
        cniVersion: string;
        ips: { address: string; interface: number; version?: string }[];
        interfaces: { mtu?: number }[];
      };
      assert.equal(result.cniVersion, version);
      assert.equal(result.ips[0]?.address, '10.131.2.45/23');
      assert.equal(result.ips[0]?.interface, 1);
      assert.equal(result.ips[0]?.version, version.startsWith('0.') ? '4' : undefined);
      assert.equal(result.interfaces[1]?.mtu, version === '1.1.0' ? 1450 : undefined);
    });
  }
});

describe('hostVethName()', () => {
  test('is veth and 8 hex digits, the same for the same attachment and another for another interface', () => {
    const name = hostVethName({ containerId: 'c1', ifName: 'eth0' });
    assert.match(name, /^veth[0-9a-f]{8}$/);
    assert.equal(name, hostVethName({ containerId: 'c1', ifName: 'eth0' }));
    assert.notEqual(name, hostVethName({ containerId: 'c1', ifName: 'eth1' }));
  });
});
