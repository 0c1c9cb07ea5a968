import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { DEFAULT_CNI_SOCKET } from '@tenet/model/cni';
import { Prefix } from '@tenet/std';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { failAgent } from './errors.ts';

/** Where to listen: `ADDRESS:PORT`, an IPv6 address in brackets; nowhere for `none`. */
const listen = z
  .string()
  .regex(/^(none|([0-9.]+|\[[0-9a-f:]+\]):[0-9]{1,5})$/i, 'must be ADDRESS:PORT or none')
  .transform((text) => {
    if (text.toLowerCase() === 'none') return undefined;
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)), text };
  })
  .refine((address) => address === undefined || isIP(address.host) !== 0, 'must have an IP address')
  .refine((address) => address === undefined || address.port <= 65_535, 'must have a port of at most 65535');

/** A CIDR, which is of no host. */
const network = z.string().transform((text, context) => {
  try {
    return Prefix.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a CIDR such as 192.0.2.0/24' });
    return z.NEVER;
  }
});

const path = z.string().regex(/^\//, 'must be an absolute path');

/** The daemon's configuration file, `/etc/tenet/config.yaml`. Unknown settings are refused: they are mistakes. */
const CONFIG = z.strictObject({
  nodeName: z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a Node's name"),
  kubeconfig: path.optional(),
  datapath: z.enum(['system', 'netdev']).default('system'),
  openvswitch: z
    .strictObject({
      database: path.default('/run/openvswitch/db.sock'),
      runDirectory: path.default('/run/openvswitch'),
      control: path.optional(),
    })
    .prefault({}),
  cni: z
    .strictObject({
      socket: path.default(DEFAULT_CNI_SOCKET),
      leases: path.default('/var/lib/tenet/leases'),
      configDirectory: path.default('/etc/cni/net.d'),
      binDirectory: path.default('/opt/cni/bin'),
      /** How long a call may take before it is undone: runtimes wait minutes, the plugin 40 s. */
      callSeconds: z.number().min(1).max(30).default(25),
    })
    .prefault({}),
  proxy: z
    .strictObject({
      /** What forwards services: this daemon, by iptables or by nftables; or another kube-proxy of the node. */
      mode: z.enum(['iptables', 'nftables', 'none']).default('iptables'),
      /** Which addresses of the node node ports are open at; all of them when empty. */
      nodePortAddresses: z.array(network).default([]),
      /** How often changes are written when they come without end, and how many of them at once after some rest. */
      syncsPerSecond: z.number().min(0.1).max(100).default(5),
      syncBurst: z.int().min(1).max(1_000).default(10),
    })
    .prefault({}),
  /** Prometheus's, `/healthz` and `/readyz`. */
  metrics: z.strictObject({ listen: listen.prefault('127.0.0.1:9101') }).prefault({}),
});

export type AgentConfig = z.infer<typeof CONFIG>;
export type ProxyMode = AgentConfig['proxy']['mode'];

/** An address to listen at, and how it was written. */
export type ListenAddress = NonNullable<AgentConfig['metrics']['listen']>;

/** Where the daemon says how it is: beside the plugin's socket. */
export function statusSocketOf({ cni }: Pick<AgentConfig, 'cni'>): string {
  return join(dirname(cni.socket), 'status.sock');
}

/** Reads the configuration file's text; CONFIG_INVALID names the setting. */
export function parseAgentConfig(text: string, file: string): AgentConfig {
  let value: unknown;
  try {
    value = parseYaml(text) ?? {};
  } catch (error) {
    return failAgent(
      'CONFIG_INVALID',
      { file, problem: `is not YAML: ${String((error as Error).message).split('\n')[0]}` },
      error,
    );
  }
  const result = CONFIG.safeParse(value);
  if (result.success) return result.data;
  const problem = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
    .join('; ');
  return failAgent('CONFIG_INVALID', { file, problem });
}
