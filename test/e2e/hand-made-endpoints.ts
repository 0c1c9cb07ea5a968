/** Endpoints that somebody of a project writes by hand to get where he may not. */
import type { DropClass } from '@tenet/pipeline';
import type { Ip } from '@tenet/std';
import type { LabPod } from './private-lab.ts';

/** Who takes part: alpha has written the endpoints, beta is to be reached. */
export interface CrossingCast {
  /** Of alpha, on dt-infra1. */
  readonly client: LabPod;
  /** Of beta, on dt-infra1 and on dt-node2. */
  readonly victim: LabPod;
  readonly remoteVictim: LabPod;
  /** A cluster IP of beta. */
  readonly foreignService: Ip;
}

export type Stopper =
  | { readonly class: DropClass; readonly on: string }
  | { readonly guard: string; readonly on: string }
  /** There is no such endpoint for anybody: the service has none and refuses, and its owner is told why. */
  | { readonly told: string }
  /** The same, since nobody vouches for it; the log of each node says why. */
  | { readonly logged: string };

export interface Crossing {
  readonly name: string;
  readonly endpoint: string | ((cast: CrossingCast) => Ip);
  readonly protocol: 'TCP' | 'UDP';
  readonly targetPort: number;
  readonly stopped: Stopper;
}

const HERE = 'dt-infra1';
const VXLAN_PORT = 4789;
const tunnel = { protocol: 'UDP', targetPort: VXLAN_PORT } as const;
const web = { protocol: 'TCP', targetPort: 8080 } as const;

// biome-ignore format: one endpoint a row
export const CROSSINGS: readonly Crossing[] = [
  { name: "the other node's tunnel", ...tunnel, endpoint: '10.122.70.73', stopped: { guard: 'forwarded-tunnel', on: HERE } },
  { name: "the own node's tunnel", ...tunnel, endpoint: '10.122.70.72', stopped: { guard: 'pod-as-tunnel', on: HERE } },
  { name: "the own node's tunnel by its gateway address", ...tunnel, endpoint: '10.131.2.1', stopped: { logged: 'no pod has its address' } },
  { name: "the other node's tunnel by its gateway address", ...tunnel, endpoint: '10.130.0.1', stopped: { logged: 'no pod has its address' } },
  { name: "another project's pod on this node", ...web, endpoint: ({ victim }) => victim.ip, stopped: { logged: 'its address is that of a pod of beta' } },
  { name: "another project's pod on the other node", ...web, endpoint: ({ remoteVictim }) => remoteVictim.ip, stopped: { logged: 'its address is that of a pod of beta' } },
  { name: "another project's service", protocol: 'TCP', targetPort: 80, endpoint: ({ foreignService }) => foreignService, stopped: { told: 'is in the service network' } },
  { name: 'loopback', ...web, endpoint: '127.0.0.1', stopped: { told: 'is loopback' } },
  { name: 'link-local', ...web, endpoint: '169.254.169.254', stopped: { told: 'is link-local' } },
];
