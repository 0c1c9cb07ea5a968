import { type Flow, flowKey, sameFlow } from '@tenet/openflow';
import type { FlowMap } from '../flows/flow-compiler.ts';

/** Those flows that a switch does not have, or has otherwise. */
export function missingFlows(wanted: readonly Flow[], installed: FlowMap): Flow[] {
  return wanted.filter((flow) => {
    const there = installed.get(flowKey(flow));
    return there === undefined || !sameFlow(there, flow);
  });
}
