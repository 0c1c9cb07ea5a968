/** A container runtime as Debian ships it, told by CRI as kubelet would, wires its pods by the plugin that the agent installed. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type PrivateContainerd, privateContainerd } from './private-containerd.ts';
import { type Daemon, type PrivateNode, privateNode, until } from './private-node.ts';

const BUSYBOX = '/bin/busybox';
const SLEEP = [BUSYBOX, 'sleep', '3600'];
const WEB = { namespace: 'alpha', name: 'web', uid: 'uid-web' };
const CLIENT = { namespace: 'alpha', name: 'client', uid: 'uid-client' };
const STRANGER = { namespace: 'beta', name: 'stranger', uid: 'uid-stranger' };

let node: PrivateNode;
let daemon: Daemon;
let containerd: PrivateContainerd;

before(async () => {
  node = await privateNode({ subnet: '10.131.2.0/28' });
  await node.kube.create('NetNamespace', { metadata: { name: 'beta' }, netname: 'beta', netid: 0x5a3 });
  daemon = await node.start();
  await daemon.ready();
  containerd = await privateContainerd(node);
});
after(async () => {
  await containerd?.[Symbol.asyncDispose]();
  await daemon?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

test('two pods of a project talk through the switch, another project hears nothing, and removal leaves nothing', async () => {
  const namespaces = () => readdirSync('/run/netns').filter((name) => name.startsWith('cni-'));
  const namespacesBefore = namespaces();
  await node.unchanged(async () => {
    const web = await containerd.runPod(WEB);
    const client = await containerd.runPod(CLIENT);
    const stranger = await containerd.runPod(STRANGER);
    assert.match(web.ip, /^10\.131\.2\./);
    const ids = await node.ovs.vsctl('--columns=external_ids', 'find', 'Interface', `external_ids:sandbox=${web.id}`);
    assert.match(ids, /pod-name=web, pod-namespace=alpha, pod-uid=uid-web/);

    await containerd.startContainer(web, WEB, [BUSYBOX, 'nc', '-ll', '-p', '8080', '-e', BUSYBOX, 'echo', 'I am web']);
    const asking = await containerd.startContainer(client, CLIENT, SLEEP);
    const other = await containerd.startContainer(stranger, STRANGER, SLEEP);
    const ping = (container: string) => containerd.exec(container, BUSYBOX, 'ping', '-c', '1', '-W', '3', web.ip);
    assert.equal((await ping(asking)).status, 0);
    const ask = async () => (await containerd.exec(asking, BUSYBOX, 'nc', '-w', '5', web.ip, '8080')).output;
    await until(async () => ((await ask()) === 'I am web\n' ? true : undefined), 'an answer of web');
    const refused = await ping(other);
    assert.equal(refused.status, 1, refused.output);
    assert.match(refused.output, /100% packet loss/);

    for (const { id } of [web, client, stranger]) await containerd.removePod(id);
  });
  assert.deepEqual(namespaces(), namespacesBefore);
});

test('a pod whose network fails gets no sandbox, the reason is told, and its removal works once there is a daemon', async () => {
  await node.unchanged(async () => {
    const stopped = daemon;
    stopped.child.kill('SIGKILL');
    await stopped.ended;
    await assert.rejects(containerd.runPod(WEB), /the node's daemon does not answer at .*cni\.sock/);
    daemon = await node.start();
    await daemon.ready();
    // Its DEL failed as well, so that the runtime keeps it until kubelet asks again.
    for (const id of await containerd.pods()) await containerd.removePod(id);
  });
});

test('a sandbox that is stopped three times is as gone', async () => {
  await node.unchanged(async () => {
    const { id } = await containerd.runPod(WEB);
    for (let times = 0; times < 3; times++) await containerd.stopPod(id);
    const detached = daemon
      .lines()
      .filter(({ message, containerId }) => message === 'pod detached' && containerId === id);
    assert.equal(detached.length, 3);
    await containerd.removePod(id);
  });
});
