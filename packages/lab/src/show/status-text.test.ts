import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusText } from './status-text.ts';

const PORT = { name: 'http', protocol: 'TCP', port: 80, nodePort: 30_080 };
const WEB = { namespace: 'alpha', name: 'web', type: 'NodePort', clusterIp: '172.30.1.1', externalIps: [] };

test('statusText() shows what is known in columns, a dash for what is not, and what is wrong last', () => {
  const text = statusText({
    status: {
      nodes: [{ name: 'n1', ip: '10.122.70.72', subnet: null }],
      pods: [{ namespace: 'alpha', name: 'web', node: 'n1', ip: null, vnid: 10 }],
      services: [
        { ...WEB, ports: [PORT, { name: 'echo', protocol: 'UDP', port: 81, nodePort: null }], ready: 1, endpoints: 2 },
        { ...WEB, name: 'alias', clusterIp: null, externalIps: ['198.51.100.7'], ports: [], ready: 0, endpoints: 0 },
      ],
    },
    problems: ['the pod alpha/web is not ready'],
  });
  assert.deepEqual(text, [
    'NODE  IP            SUBNET',
    'n1    10.122.70.72  -',
    '',
    'POD        NODE  IP  VNID',
    'alpha/web  n1    -   10',
    '',
    'SERVICE      CLUSTER IP  EXTERNAL IP   PORTS                READY',
    'alpha/web    172.30.1.1  -             80:30080/tcp,81/udp  1/2',
    'alpha/alias  -           198.51.100.7  -                    0/0',
    '',
    'the pod alpha/web is not ready',
  ]);
});
