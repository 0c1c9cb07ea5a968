import { z } from 'zod';
import type { ProxyMode } from '../config.ts';
import { failAgent } from '../errors.ts';

/** Where kube-proxy, and what stands in for it, says whether it is healthy, unless it is told otherwise. */
const HEALTHZ = 'http://127.0.0.1:10256/healthz';
const ANSWER_WITHIN_MS = 1_000;

/** What it answers, healthy or not; others who might listen at that port answer something else. */
const ANSWER = z.object({ lastUpdated: z.string(), currentTime: z.string() });

/**
 * KUBE_PROXY_RUNS when this node's services are forwarded by another kube-proxy already: two would take each other's rules
 * away without end. Only one that answers counts; chains that one has left behind are taken over.
 */
export async function refuseKubeProxy(proxy: ProxyMode, address = HEALTHZ): Promise<void> {
  if (proxy === 'none') return;
  if (await answers(address)) failAgent('KUBE_PROXY_RUNS', { address });
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return ANSWER.safeParse(await response.json()).success;
  } catch {
    // Nobody listens, or it is no JSON.
    return false;
  }
}
