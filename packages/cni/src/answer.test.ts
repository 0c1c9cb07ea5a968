import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer } from './answer.ts';

const STDIN = '{"cniVersion":"1.0.0","name":"tenet","type":"tenet-cni","socket":"/run/x.sock"}';
const ENVIRONMENT = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', PATH: '/bin', SECRET: 's' };

function neverAsked(): Promise<string> {
  throw new Error('the daemon was asked');
}

function neverLooked(): boolean {
  throw new Error('the leases were looked at');
}

const absent = () => Promise.reject(new Error('connect ENOENT /run/x.sock'));

describe('answer()', () => {
  for (const stdin of ['', '{', '[]', 'null', '"x"']) {
    test(`refuses ${JSON.stringify(stdin)} on stdin with code 6, without asking the daemon`, async () => {
      const { print, status } = await answer({
        environment: ENVIRONMENT,
        stdin,
        ask: neverAsked,
        hasPods: neverLooked,
      });
      assert.equal(status, 1);
      assert.equal(JSON.parse(print).code, 6);
    });
  }

  const BROKEN = [
    { name: 'is not there', ask: () => Promise.reject(new Error('connect ENOENT /run/x.sock')) },
    { name: 'answers something that is not JSON', ask: () => Promise.resolve('<html>') },
  ];
  for (const { name, ask } of BROKEN) {
    test(`says with code 11 and the caller's version that the daemon ${name}`, async () => {
      const { print, status } = await answer({ environment: ENVIRONMENT, stdin: STDIN, ask, hasPods: neverLooked });
      assert.equal(status, 1);
      const { cniVersion, code, msg, details } = JSON.parse(print);
      assert.deepEqual({ cniVersion, code }, { cniVersion: '1.0.0', code: 11 });
      assert.match(msg, /\/run\/x\.sock/);
      assert.match(details, /^check/);
    });
  }

  for (const command of ['ADD', 'CHECK', 'DEL', 'GC']) {
    test(`fails ${command} with code 11, try again later, when there is no daemon`, async () => {
      const environment = { ...ENVIRONMENT, CNI_COMMAND: command };
      const { print, status } = await answer({ environment, stdin: STDIN, ask: absent, hasPods: neverLooked });
      assert.deepEqual([status, JSON.parse(print).code], [1, 11]);
    });
  }

  const WITHOUT_DAEMON = [
    { name: 'no pod', pods: false, code: 50 },
    { name: 'pods', pods: true, code: 51 },
  ];
  for (const { name, pods, code } of WITHOUT_DAEMON) {
    test(`fails STATUS with code ${code} when there is no daemon and the node has ${name}`, async () => {
      const looked: string[] = [];
      const hasPods = (directory: string): boolean => looked.push(directory) > 0 && pods;
      const stdin = '{"cniVersion":"1.1.0","name":"tenet","type":"tenet-cni","leases":"/l"}';
      const { print, status } = await answer({ environment: { CNI_COMMAND: 'STATUS' }, stdin, ask: absent, hasPods });
      assert.deepEqual([status, JSON.parse(print).code, looked], [1, code, ['/l']]);
    });
  }

  test('answers VERSION by itself', async () => {
    const { print, status } = await answer({
      environment: { CNI_COMMAND: 'VERSION' },
      stdin: '',
      ask: neverAsked,
      hasPods: neverLooked,
    });
    assert.equal(status, 0);
    assert.ok(JSON.parse(print).supportedVersions.includes('1.1.0'));
  });

  test("hands on stdin and CNI's environment, and nothing else of the environment", async () => {
    let asked: unknown;
    const ask = (socket: string, call: object): Promise<string> => {
      asked = { socket, ...call };
      return Promise.resolve('{"status":0,"print":{"cniVersion":"1.0.0"}}');
    };
    const { print, status } = await answer({ environment: ENVIRONMENT, stdin: STDIN, ask, hasPods: neverLooked });
    assert.equal(status, 0);
    assert.equal(print, '{"cniVersion":"1.0.0"}');
    const environment = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1' };
    assert.deepEqual(asked, { socket: '/run/x.sock', environment, stdin: STDIN });
  });

  test('prints nothing for a DEL that succeeded', async () => {
    const { print } = await answer({
      environment: ENVIRONMENT,
      stdin: STDIN,
      ask: () => Promise.resolve('{"status":0}'),
      hasPods: neverLooked,
    });
    assert.equal(print, '');
  });
});
