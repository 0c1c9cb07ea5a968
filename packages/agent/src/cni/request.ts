import {
  CNI_COMMANDS,
  CNI_VERSIONS,
  type CniCommand,
  type CniVersion,
  isCniVersionSince,
  NEWEST_CNI_VERSION,
} from '@tenet/model/cni';
import { Ip } from '@tenet/std';
import { z } from 'zod';
import { failAgent } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import {
  type NetworkConfiguration,
  type PreviousResult,
  parseNetworkConfiguration,
  previousResult,
  validAttachments,
} from './network-configuration.ts';

/** What the plugin hands on: its environment and its stdin, both as they came. */
export const WIRE_REQUEST = z.strictObject({ environment: z.record(z.string(), z.string()), stdin: z.string() });

export type WireRequest = z.infer<typeof WIRE_REQUEST>;

/** A pod as the runtime names it in CNI_ARGS. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface Call {
  readonly version: CniVersion;
  /** `name` of the network configuration. */
  readonly network: string;
}

interface AttachmentCall extends Call {
  readonly attachment: Attachment;
  readonly pod: PodName;
}

export interface AddRequest extends AttachmentCall {
  readonly command: 'ADD';
  readonly netns: string;
  readonly requestedIp?: Ip;
}

/** The namespace is of no use for it: after the sandbox is gone it is empty. */
export interface DelRequest extends AttachmentCall {
  readonly command: 'DEL';
}

export interface CheckRequest extends AttachmentCall {
  readonly command: 'CHECK';
  readonly netns: string;
  readonly previous: PreviousResult;
}

export interface GcRequest extends Call {
  readonly command: 'GC';
  /** All else of this network may go. */
  readonly valid: readonly Attachment[];
}

interface StatusRequest extends Call {
  readonly command: 'STATUS';
}

export type CniRequest = AddRequest | DelRequest | CheckRequest | GcRequest | StatusRequest;

/**
 * Reads a call of the plugin. CNI_ENVIRONMENT, CNI_CONFIGURATION, CNI_VERSION or CNI_COMMAND_TOO_NEW says what is
 * wrong with it; nothing has been touched then.
 */
export function parseCniRequest({ environment, stdin }: WireRequest): CniRequest {
  const command = commandOf(environment.CNI_COMMAND ?? '');
  switch (command) {
    case 'ADD': {
      const attachment = attachmentOf(environment);
      const netns = namespaceOf(environment);
      const pod = podOf(environment.CNI_ARGS ?? '');
      if (pod.namespace === '' || pod.name === '')
        failAgent('CNI_ENVIRONMENT', { problem: 'CNI_ARGS does not give K8S_POD_NAMESPACE and K8S_POD_NAME' });
      const configuration = parseNetworkConfiguration(stdin);
      const requestedIp = requestedOf(configuration.runtimeConfig?.ips ?? []);
      const call = { ...callOf(command, configuration), attachment, netns, pod };
      return { command, ...call, ...(requestedIp === undefined ? {} : { requestedIp }) };
    }
    case 'DEL': {
      const attachment = attachmentOf(environment);
      if (environment.CNI_NETNS) namespaceOf(environment);
      const pod = podOf(environment.CNI_ARGS ?? '');
      return { command, ...callOf(command, parseNetworkConfiguration(stdin)), attachment, pod };
    }
    case 'CHECK': {
      const attachment = attachmentOf(environment);
      const netns = namespaceOf(environment);
      const pod = podOf(environment.CNI_ARGS ?? '');
      const configuration = parseNetworkConfiguration(stdin);
      const call = callOf(command, configuration);
      return { command, ...call, attachment, netns, pod, previous: previousResult(configuration) };
    }
    case 'GC': {
      const configuration = parseNetworkConfiguration(stdin);
      return { command, ...callOf(command, configuration), valid: validAttachments(configuration) };
    }
    case 'STATUS':
      return { command, ...callOf(command, parseNetworkConfiguration(stdin)) };
  }
}

/** The version that the caller speaks, for answers to calls that could not be read otherwise. */
export function answerVersion(stdin: string): CniVersion {
  try {
    return versionOf(parseNetworkConfiguration(stdin).cniVersion);
  } catch {
    return NEWEST_CNI_VERSION;
  }
}

function commandOf(text: string): CniCommand {
  const known = Object.keys(CNI_COMMANDS).join(', ');
  return isCommand(text)
    ? text
    : failAgent('CNI_ENVIRONMENT', {
        problem: `CNI_COMMAND is ${JSON.stringify(text)}, only ${known} and VERSION are known`,
      });
}

function isCommand(text: string): text is CniCommand {
  return Object.hasOwn(CNI_COMMANDS, text);
}

/** What every call says; refuses a command that its own version does not know. */
function callOf(command: CniCommand, { cniVersion, name: network }: NetworkConfiguration): Call {
  const version = versionOf(cniVersion);
  const since = CNI_COMMANDS[command];
  if (!isCniVersionSince(version, since)) failAgent('CNI_COMMAND_TOO_NEW', { command, since, version });
  return { version, network };
}

function versionOf(version: string): CniVersion {
  const known = CNI_VERSIONS.find((candidate) => candidate === version);
  return known ?? failAgent('CNI_VERSION', { version, supported: CNI_VERSIONS.join(', ') });
}

/** CNI 1.1.0, section 2, "Parameters". */
function attachmentOf(environment: WireRequest['environment']): Attachment {
  const containerId = environment.CNI_CONTAINERID ?? '';
  if (!/^[a-z0-9][a-z0-9_.-]*$/i.test(containerId)) {
    failAgent('CNI_ENVIRONMENT', { problem: `CNI_CONTAINERID ${JSON.stringify(containerId)} is not a container id` });
  }
  const ifName = environment.CNI_IFNAME ?? '';
  if (!/^[^\s/:]{1,15}$/.test(ifName) || ifName === '.' || ifName === '..') {
    failAgent('CNI_ENVIRONMENT', { problem: `CNI_IFNAME ${JSON.stringify(ifName)} is not an interface name` });
  }
  return { containerId, ifName };
}

function namespaceOf(environment: WireRequest['environment']): string {
  const netns = environment.CNI_NETNS ?? '';
  return netns.startsWith('/')
    ? netns
    : failAgent('CNI_ENVIRONMENT', { problem: `CNI_NETNS ${JSON.stringify(netns)} is not an absolute path` });
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
