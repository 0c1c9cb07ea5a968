import { DEFAULT_CNI_SOCKET } from '@tenet/model/cni';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { failAgent } from './errors.ts';

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
    })
    .prefault({}),
});

export type AgentConfig = z.infer<typeof CONFIG>;

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
