import { stringify } from 'yaml';
import type { Lab } from '../state/lab-state.ts';

/** The configuration of a node's agent: all that the usual paths would have it share with another node. */
export function agentConfigurationText({ paths, settings }: Lab, node: string): string {
  const at = paths.node(node);
  return stringify({
    nodeName: node,
    kubeconfig: paths.kubeconfig,
    datapath: settings.datapath,
    proxy: { mode: settings.proxy },
    openvswitch: { database: at.databaseSocket, runDirectory: at.ovs },
    cni: at.cni,
  });
}
