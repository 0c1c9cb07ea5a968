import { CNI_VERSIONS, type CniVersion, NEWEST_CNI_VERSION, UNNAMED_CNI_VERSION } from '@tenet/model/cni';
import { Ip } from '@tenet/std';
import { z } from 'zod';
import { failAgent } from '../errors.ts';
import type { Attachment } from './attachment.ts';

/** What the plugin hands on: its environment and its stdin, both as they came. */
export const WIRE_REQUEST = z.strictObject({ environment: z.record(z.string(), z.string()), stdin: z.string() });

export type WireRequest = z.infer<typeof WIRE_REQUEST>;

/** A pod as the runtime names it in CNI_ARGS. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface CniRequest {
  readonly command: 'ADD' | 'DEL';
  readonly version: CniVersion;
  readonly attachment: Attachment;
  /** Empty only for DEL, after the sandbox is gone. */
  readonly netns: string;
  readonly pod: PodName;
  readonly requestedIp?: Ip;
}

const CONFIGURATION = z.looseObject({
  cniVersion: z.string().default(UNNAMED_CNI_VERSION),
  name: z.string(),
  runtimeConfig: z.looseObject({ ips: z.array(z.string()).optional() }).optional(),
});

/**
 * Reads a call of the plugin. CNI_ENVIRONMENT, CNI_CONFIGURATION or CNI_VERSION says what is wrong with it; nothing
 * has been touched then.
 */
export function parseCniRequest({ environment, stdin }: WireRequest): CniRequest {
  const command = environment.CNI_COMMAND ?? '';
  if (command !== 'ADD' && command !== 'DEL') {
    return failAgent('CNI_ENVIRONMENT', {
      problem: `CNI_COMMAND is ${JSON.stringify(command)}, only ADD, DEL and VERSION are known`,
    });
  }
  const containerId = environment.CNI_CONTAINERID ?? '';
  // CNI 1.1.0, section 2, "Parameters".
  if (!/^[a-z0-9][a-z0-9_.-]*$/i.test(containerId)) {
    failAgent('CNI_ENVIRONMENT', { problem: `CNI_CONTAINERID ${JSON.stringify(containerId)} is not a container id` });
  }
  const ifName = environment.CNI_IFNAME ?? '';
  if (!/^[^\s/:]{1,15}$/.test(ifName) || ifName === '.' || ifName === '..') {
    failAgent('CNI_ENVIRONMENT', { problem: `CNI_IFNAME ${JSON.stringify(ifName)} is not an interface name` });
  }
  const netns = environment.CNI_NETNS ?? '';
  if (netns === '' ? command === 'ADD' : !netns.startsWith('/')) {
    failAgent('CNI_ENVIRONMENT', { problem: `CNI_NETNS ${JSON.stringify(netns)} is not an absolute path` });
  }
  const pod = podOf(environment.CNI_ARGS ?? '');
  if (command === 'ADD' && (pod.namespace === '' || pod.name === '')) {
    failAgent('CNI_ENVIRONMENT', { problem: 'CNI_ARGS does not give K8S_POD_NAMESPACE and K8S_POD_NAME' });
  }
  const configuration = parseConfiguration(stdin);
  const requestedIp = requestedOf(configuration.runtimeConfig?.ips ?? []);
  return {
    command,
    version: versionOf(configuration.cniVersion),
    attachment: { containerId, ifName },
    netns,
    pod,
    ...(requestedIp === undefined ? {} : { requestedIp }),
  };
}

/** The version that the caller speaks, for answers to calls that could not be read otherwise. */
export function answerVersion(stdin: string): CniVersion {
  try {
    return versionOf(parseConfiguration(stdin).cniVersion);
  } catch {
    return NEWEST_CNI_VERSION;
  }
}

function parseConfiguration(stdin: string): z.infer<typeof CONFIGURATION> {
  let value: unknown;
  try {
    value = JSON.parse(stdin);
  } catch (error) {
    return failAgent('CNI_CONFIGURATION', { problem: `is not JSON: ${(error as Error).message}` }, error);
  }
  const result = CONFIGURATION.safeParse(value);
  if (result.success) return result.data;
  const problem = result.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`).join('; ');
  return failAgent('CNI_CONFIGURATION', { problem: `is wrong: ${problem}` });
}

function versionOf(version: string): CniVersion {
  const known = CNI_VERSIONS.find((candidate) => candidate === version);
  return known ?? failAgent('CNI_VERSION', { version, supported: CNI_VERSIONS.join(', ') });
}

function podOf(args: string): PodName {
  const values = new Map<string, string>();
  for (const pair of args.split(';').filter((text) => text !== '')) {
    const at = pair.indexOf('=');
    if (at < 1)
      failAgent('CNI_ENVIRONMENT', { problem: `CNI_ARGS has ${JSON.stringify(pair)}, which is not KEY=VALUE` });
    values.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return {
    namespace: values.get('K8S_POD_NAMESPACE') ?? '',
    name: values.get('K8S_POD_NAME') ?? '',
    uid: values.get('K8S_POD_UID') ?? '',
  };
}

/** `runtimeConfig.ips` may carry prefix lengths; the subnet's counts (CNI conventions, "ips"). */
function requestedOf(ips: readonly string[]): Ip | undefined {
  if (ips.length > 1)
    failAgent('CNI_CONFIGURATION', { problem: 'asks for more than one address in runtimeConfig.ips' });
  const [text] = ips;
  if (text === undefined) return undefined;
  try {
    return Ip.parse(text.replace(/\/\d+$/, ''));
  } catch (error) {
    return failAgent(
      'CNI_CONFIGURATION',
      { problem: `asks for ${JSON.stringify(text)} in runtimeConfig.ips, which is no address` },
      error,
    );
  }
}
