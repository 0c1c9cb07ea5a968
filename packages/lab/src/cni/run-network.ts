import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { failLab } from '../errors.ts';
import {
  type CniCall,
  cniEnvironment,
  cniInput,
  type NetworkConfiguration,
  type PluginConfiguration,
  parseCniFailure,
  parseNetworkConfiguration,
} from './cni-call.ts';

/** Where a node keeps its network plugins, and its own namespace: there they run. */
export interface CniNode {
  readonly namespace: string;
  readonly configDirectory: string;
  readonly binDirectory: string;
  /** For the plugin's process. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How long a plugin may take. */
const PLUGIN_DEADLINE_MS = 60_000;

/** The node's network: the first `.conflist` by name, as every runtime chooses. CNI_CONFIGURATION when there is none. */
async function findNetwork({ configDirectory }: CniNode): Promise<NetworkConfiguration> {
  const names = await readdir(configDirectory).catch(() => []);
  const [first] = names.filter((name) => name.endsWith('.conflist')).sort();
  if (first === undefined)
    return failLab('CNI_CONFIGURATION', { path: configDirectory, problem: 'holds no .conflist yet' });
  const path = join(configDirectory, first);
  return parseNetworkConfiguration(await readFile(path, 'utf8'), path);
}

/**
 * Executes the plugins of the node's network as a container runtime does: one after the other for ADD, each with the
 * result of the one before; in reverse for DEL. Answers the last result; CNI_FAILED with what the plugin said.
 */
export async function runNetwork(node: CniNode, call: CniCall, prevResult?: unknown): Promise<unknown> {
  const network = await findNetwork(node);
  const plugins = call.command === 'ADD' ? network.plugins : network.plugins.toReversed();
  let result = prevResult;
  for (const plugin of plugins) {
    const stdout = await execute(node, call, {
      plugin,
      input: cniInput(network, plugin, { ip: call.ip, prevResult: result }),
    });
    if (call.command === 'ADD') result = JSON.parse(stdout);
  }
  return result;
}

interface Execution {
  readonly plugin: PluginConfiguration;
  readonly input: string;
}

async function execute(node: CniNode, call: CniCall, { plugin, input }: Execution): Promise<string> {
  const program = join(node.binDirectory, plugin.type);
  const child = spawn('nsenter', [`--net=${node.namespace}`, '--', program], {
    env: { PATH: process.env.PATH ?? '', ...node.environment, ...cniEnvironment(call) },
    stdio: 'pipe',
    timeout: PLUGIN_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  // A plugin that ends before it has read all closes the pipe; its status says more than that error.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode === 0) return stdout;
  const said = child.signalCode === null ? stderr : `it took more than ${PLUGIN_DEADLINE_MS / 1000} s`;
  return failLab('CNI_FAILED', { command: call.command, ...parseCniFailure(stdout, said) });
}
