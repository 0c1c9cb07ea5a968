/** A node that forwards to real pods: each of them, and the world outside, in a network namespace of its own. */

import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { bindUdp, createNamespace, deleteNamespace, inNamespace, listenTcp, openTcp, writeSysctl } from '@tenet/host';
import { Ip } from '@tenet/std';
import { PATIENCE } from '../eventually.ts';
import { sweep } from './sweep.ts';

/** What became of a connection: who answered whom, or how it failed. */
export type Answer = { readonly by: string; readonly to: string } | 'refused' | 'silent';

/** How long nothing must come for it to count as nothing: a SYN is repeated after 1 s. */
const SILENT_MS = 2500 * PATIENCE;

export const GATEWAY = '10.131.2.1';
export const NODE_IP = '192.0.2.1';
const OUTSIDE = '192.0.2.2';
const ANYWHERE = Ip.parse('0.0.0.0');

export class ServiceTopology implements AsyncDisposable {
  readonly #prefix = `tenet-nftables-${process.pid}`;
  readonly #namespaces: string[] = [];
  readonly #servers: Server[] = [];
  readonly #sockets: UdpSocket[] = [];
  readonly node: string;

  constructor() {
    sweep('tenet-nftables');
    this.node = this.#namespace('node');
    inNamespace(this.node, () => {
      writeSysctl('net.ipv4.ip_forward', 1);
      for (const conf of ['all', 'default'] as const) writeSysctl(`net.ipv4.conf.${conf}.send_redirects`, 0);
      writeSysctl('net.ipv4.icmp_ratemask', 0);
    });
    // Where br_netfilter is loaded it would translate what passes tun0 before that is a packet of the node's; elsewhere
    // there is no such key.
    this.#run(
      'ip',
      'netns',
      'exec',
      `${this.#prefix}-node`,
      'sysctl',
      '-qe',
      '-w',
      'net.bridge.bridge-nf-call-iptables=0',
    );
    // tun0 as br0 makes it: pods reach it and, through it, each other; never each other directly.
    this.#ip('node', 'link add tun0 type bridge', 'link set lo up', 'link set tun0 up');
    this.#ip('node', `addr add ${GATEWAY}/23 dev tun0`, 'route add 172.30.0.0/16 dev tun0');
    this.#namespace('outside');
    this.#ip('node', `link add eth0 type veth peer name eth0 netns ${this.#prefix}-outside`);
    this.#ip('node', `addr add ${NODE_IP}/24 dev eth0`, 'link set eth0 up', `route add default via ${OUTSIDE}`);
    this.#ip('outside', `addr add ${OUTSIDE}/24 dev eth0`, 'link set eth0 up', `route add default via ${NODE_IP}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    for (const server of this.#servers) server.close();
    for (const namespace of this.#namespaces) deleteNamespace(namespace);
  }

  /** A pod of this address, which answers on TCP and UDP port 8080 with its name and whom it sees. */
  async addPod(name: string, address: string): Promise<void> {
    this.#namespace(name);
    this.#ip('node', `link add ${name} type veth peer name eth0 netns ${this.#prefix}-${name}`);
    this.#ip('node', `link set ${name} master tun0`, `link set ${name} up`);
    this.#ip(name, 'link set lo up', `addr add ${address}/32 dev eth0`, 'link set eth0 up');
    this.#ip(name, `route add ${GATEWAY} dev eth0`, `route add default via ${GATEWAY}`);
    await this.listen(name, address, 8080);
  }

  /** More to answer on: of one address, so that answers to datagrams bear it too. */
  async listen(who: string, address: string, port: number): Promise<void> {
    const spec = { namespace: this.#path(who), address: Ip.parse(address), port };
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${who} ${socket.remoteAddress}`);
    }).listen({ fd: listenTcp(spec) });
    await once(server, 'listening');
    this.#servers.push(server);
    const socket = createSocket('udp4');
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdp(spec) });
    await listening;
    socket.on('message', (_, { port: to, address }) => socket.send(`${who} ${address}`, to, address));
    this.#sockets.push(socket);
  }

  /** Connects from `who` and hears who answers. */
  async ask(who: string, address: string, port: number): Promise<Answer> {
    const socket = new Socket({ fd: openTcp(this.#path(who)) });
    const silent = AbortSignal.timeout(SILENT_MS);
    try {
      socket.connect(port, address);
      await once(socket, 'connect', { signal: silent });
      return answerIn(await text(socket));
    } catch (error) {
      if (silent.aborted) return 'silent';
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return 'refused';
      throw error;
    } finally {
      socket.destroy();
    }
  }

  /** The same with one datagram, from a port of its own. */
  async askUdp(who: string, address: string, port: number): Promise<Answer> {
    const socket = createSocket('udp4');
    const silent = AbortSignal.timeout(SILENT_MS);
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdp({ namespace: this.#path(who), address: ANYWHERE, port: 0 }) });
    await listening;
    try {
      socket.connect(port, address);
      await once(socket, 'connect');
      const answered = once(socket, 'message', { signal: silent });
      socket.send('');
      return answerIn(String((await answered)[0]));
    } catch (error) {
      if (silent.aborted) return 'silent';
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return 'refused';
      throw error;
    } finally {
      socket.close();
    }
  }

  #namespace(name: string): string {
    const path = this.#path(name);
    createNamespace(path);
    this.#namespaces.push(path);
    return path;
  }

  #path(name: string): string {
    return `/run/netns/${this.#prefix}-${name}`;
  }

  #ip(name: string, ...commands: readonly string[]): void {
    for (const command of commands) this.#run('ip', '-n', `${this.#prefix}-${name}`, ...command.split(' '));
  }

  #run(program: string, ...args: readonly string[]): void {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  }
}

function answerIn(said: string): Answer {
  const [by = '', to = ''] = said.split(' ');
  return { by, to };
}
