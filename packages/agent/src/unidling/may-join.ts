import type { Ip } from '@tenet/std';
import { areOfProject, type ProjectsAtOptions, projectsAt } from '../services/projects-at.ts';

/** Settings of `mayJoin`. */
export interface MayJoinOptions extends ProjectsAtOptions {
  /** The VNID of a project; undefined when it has none. */
  readonly vnidOf: (namespace: string) => number | undefined;
  /** The project whose service is asked. */
  readonly namespace: string;
}

/**
 * Whether this node may connect a client of a project's service to the pod that has the address. To the flow tables the
 * node is global and may reach every pod, and anybody can write an endpoint: so what table 80 would ask of the client
 * is asked here, that the pod is of the service's project or of a global one. Nothing but pods is joined: other
 * endpoints are for the rules, which clients find when they come again.
 */
export async function mayJoin(ip: Ip, { vnidOf, namespace, ...asking }: MayJoinOptions): Promise<boolean> {
  const vnid = vnidOf(namespace);
  if (vnid === undefined) return false;
  return areOfProject((await projectsAt(ip, asking)).map(vnidOf), vnid);
}
