import { type Flow, flowKey, sameFlow } from '@tenet/openflow';

/** Those flows that a switch does not have, or has otherwise. */
export function missingFlows(wanted: readonly Flow[], installed: ReadonlyMap<string, Flow>): Flow[] {
  return wanted.filter((flow) => {
    const there = installed.get(flowKey(flow));
    return there === undefined || !sameFlow(there, flow);
  });
}
