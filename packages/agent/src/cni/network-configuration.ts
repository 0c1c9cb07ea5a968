import { UNNAMED_CNI_VERSION } from '@tenet/model/cni';
import { z } from 'zod';
import { failAgent } from '../errors.ts';
import type { Attachment } from './attachment.ts';

/** What the runtime gives on stdin (CNI 1.1.0, section 3, "Deriving"), as far as every command reads it. */
const CONFIGURATION = z.looseObject({
  cniVersion: z.string().default(UNNAMED_CNI_VERSION),
  name: z.string(),
  runtimeConfig: z.looseObject({ ips: z.array(z.string()).optional() }).optional(),
  prevResult: z.unknown().optional(),
  'cni.dev/valid-attachments': z.unknown().optional(),
  /** As the specification was first understood; libcni still sends both. */
  'cni.dev/attachments': z.unknown().optional(),
});

export type NetworkConfiguration = z.infer<typeof CONFIGURATION>;

const RESULT = z.looseObject({
  interfaces: z.array(z.looseObject({ name: z.string(), sandbox: z.string().optional() })).default([]),
  ips: z.array(z.looseObject({ address: z.string(), interface: z.number().int().optional() })).default([]),
  routes: z.array(z.looseObject({ dst: z.string(), gw: z.string().optional() })).default([]),
});

/** The result of an ADD as the runtime kept it; plugins after us may have added to it. */
export type PreviousResult = z.infer<typeof RESULT>;

const ATTACHMENTS = z.array(z.looseObject({ containerID: z.string(), ifname: z.string() }));

/** CNI_CONFIGURATION says what is wrong with it. */
export function parseNetworkConfiguration(stdin: string): NetworkConfiguration {
  let value: unknown;
  try {
    value = JSON.parse(stdin);
  } catch (error) {
    return failAgent('CNI_CONFIGURATION', { problem: `is not JSON: ${(error as Error).message}` }, error);
  }
  return checked(CONFIGURATION, value, '');
}

/** The result that CHECK compares with; CNI_CONFIGURATION when there is none. */
export function previousResult({ prevResult }: NetworkConfiguration): PreviousResult {
  if (prevResult === undefined || prevResult === null)
    failAgent('CNI_CONFIGURATION', { problem: 'has no prevResult, which CHECK needs' });
  return checked(RESULT, prevResult, 'prevResult');
}

/** The attachments that GC must leave alone; CNI_CONFIGURATION without a list, since that is no word that all may go. */
export function validAttachments(configuration: NetworkConfiguration): Attachment[] {
  const key = 'cni.dev/valid-attachments';
  const value = configuration[key] ?? configuration['cni.dev/attachments'];
  if (value === undefined || value === null)
    failAgent('CNI_CONFIGURATION', { problem: `has no ${key}, which GC needs` });
  return checked(ATTACHMENTS, value, key).map(({ containerID, ifname }) => ({
    containerId: containerID,
    ifName: ifname,
  }));
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problem = result.error.issues
    .map((issue) => `${[where, ...issue.path].filter((part) => part !== '').join('.') || 'it'}: ${issue.message}`)
    .join('; ');
  return failAgent('CNI_CONFIGURATION', { problem: `is wrong: ${problem}` });
}
