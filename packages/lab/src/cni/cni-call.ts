import { failLab } from '../errors.ts';

/** What a container runtime tells a network plugin (CNI specification 1.1, section 2). */
export interface CniCall {
  readonly command: 'ADD' | 'DEL';
  /** 64 hex digits, as container runtimes name a pod's sandbox. */
  readonly containerId: string;
  /** The path of the pod's network namespace; empty when it is gone already. */
  readonly namespace: string;
  readonly binDirectory: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** The address that the pod asks for, passed on when the plugin can (`runtimeConfig.ips`). */
  readonly ip?: string;
}

/** The name of a pod's interface in its namespace. */
const INTERFACE = 'eth0';

/** The plugin's environment: the protocol's parameters. */
export function cniEnvironment(call: CniCall): Record<string, string> {
  return {
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.namespace,
    CNI_IFNAME: INTERFACE,
    CNI_PATH: call.binDirectory,
    CNI_ARGS: [
      'IgnoreUnknown=1',
      `K8S_POD_NAMESPACE=${call.pod.namespace}`,
      `K8S_POD_NAME=${call.pod.name}`,
      `K8S_POD_INFRA_CONTAINER_ID=${call.containerId}`,
      `K8S_POD_UID=${call.pod.uid}`,
    ].join(';'),
  };
}

/** One plugin of a network: its part of the configuration, and what it says it can. */
export interface PluginConfiguration {
  readonly type: string;
  readonly capabilities: ReadonlySet<string>;
  /** Everything, as it is in the file. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A network as an administrator configures it (CNI specification, section 1). */
export interface NetworkConfiguration {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfiguration[];
}

/** Reads a `.conflist`; CNI_CONFIGURATION says what is wrong with it. */
export function parseNetworkConfiguration(text: string, path: string): NetworkConfiguration {
  const wrong = (problem: string, cause?: unknown): never => failLab('CNI_CONFIGURATION', { path, problem }, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return wrong('is no JSON', cause);
  }
  if (!isFields(value)) return wrong('is no object');
  const { name, cniVersion, plugins } = value;
  if (typeof name !== 'string' || name === '') return wrong('has no name');
  if (typeof cniVersion !== 'string') return wrong('has no cniVersion');
  if (!Array.isArray(plugins) || plugins.length === 0) return wrong('lists no plugins');
  return { name, cniVersion, plugins: plugins.map((plugin) => parsePlugin(plugin, wrong)) };
}

function parsePlugin(fields: unknown, wrong: (problem: string) => never): PluginConfiguration {
  if (!isFields(fields) || typeof fields.type !== 'string') return wrong('has a plugin without a type');
  const { type, capabilities } = fields;
  if (type === '' || type.includes('/')) return wrong(`has a plugin of the type ${JSON.stringify(type)}`);
  const declared = isFields(capabilities)
    ? Object.keys(capabilities).filter((name) => capabilities[name] === true)
    : [];
  return { type, capabilities: new Set(declared), fields };
}

/** What a plugin reads: its own configuration with the network's name and version, and what the runtime adds. */
export function cniInput(network: NetworkConfiguration, plugin: PluginConfiguration, extra: CniExtra): string {
  const { capabilities: _, ...fields } = plugin.fields;
  const asksForIp = extra.ip !== undefined && plugin.capabilities.has('ips');
  return JSON.stringify({
    ...fields,
    name: network.name,
    cniVersion: network.cniVersion,
    ...(asksForIp ? { runtimeConfig: { ips: [extra.ip] } } : {}),
    ...(extra.prevResult === undefined ? {} : { prevResult: extra.prevResult }),
  });
}

export interface CniExtra {
  readonly ip?: string | undefined;
  /** The result of the plugin before, or at DEL that of the ADD. */
  readonly prevResult?: unknown;
}

/** The pod's first address from the result of an ADD, without its prefix length; undefined when there is none. */
export function addressOf(result: unknown): string | undefined {
  if (!isFields(result)) return undefined;
  const { ips, ip4 } = result;
  // Before version 0.3 there was one address per family (CNI specification 0.2, Result).
  const first: unknown = Array.isArray(ips) ? ips[0] : undefined;
  const text = isFields(first) ? first.address : isFields(ip4) ? ip4.ip : undefined;
  return typeof text === 'string' ? text.split('/')[0] : undefined;
}

/** What a plugin that failed said on its standard output; its standard error stands in for a message. */
export function parseCniFailure(stdout: string, stderr: string): { code: number; message: string; details: string } {
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    value = undefined;
  }
  const fields = isFields(value) ? value : {};
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    code: typeof fields.code === 'number' ? fields.code : UNKNOWN_CODE,
    message: text('msg') || stderr.trim().split('\n').at(-1) || 'the plugin said nothing',
    details: text('details'),
  };
}

/** "Generic error" of the plugins' library: what has no code of its own. */
const UNKNOWN_CODE = 999;

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
