import {
  ANNOTATION,
  apiVersionOf,
  GLOBAL_VNID,
  type NamespaceObject,
  type NetNamespace,
  type NetNamespaceObject,
  parseNetNamespace,
  type Vnid,
} from '@tenet/model';
import type { Action } from '../action.ts';
import { byAge } from '../by-age.ts';
import { controllerError } from '../errors.ts';
import { attempt, type Refusal, subjectOf } from '../refusal.ts';
import { type ChangeRequest, parseChangeRequest } from './change-request.ts';
import { mustWait } from './must-wait.ts';
import { VnidPool } from './vnid-pool.ts';

/** What is there. Keys are names. */
export interface VnidWorld {
  readonly namespaces: ReadonlyMap<string, NamespaceObject>;
  readonly netNamespaces: ReadonlyMap<string, NetNamespaceObject>;
  /** Projects that start as global; one that exists is never renumbered for it. */
  readonly globalNamespaces: ReadonlySet<string>;
}

/** What to write and what to tell. */
export interface VnidPlan {
  readonly actions: readonly Action<'NetNamespace'>[];
  readonly refusals: readonly Refusal[];
}

/** The project that everything needs to reach, and that therefore cannot be isolated. */
const ALWAYS_GLOBAL = 'default';

/** Pure: what must be written so that each Namespace has a VNID, and each change request is answered. */
export function planVnids(
  { namespaces, netNamespaces, globalNamespaces }: VnidWorld,
  { random }: { readonly random: () => number },
): VnidPlan {
  const actions: Action<'NetNamespace'>[] = [];
  const refusals: Refusal[] = [];
  const pool = new VnidPool({ random });
  const projects = new Map<string, NetNamespace>();
  const requests = new Map<string, ChangeRequest>();
  /** How many projects have each number, as far as this pass has come. */
  const users = new Map<number, number>();

  function refuse(object: NetNamespaceObject, problem: string): void {
    const { name, annotations } = object.metadata;
    const facts = { name, request: annotations?.[ANNOTATION.changeNetwork] ?? '', problem };
    refusals.push({
      subject: subjectOf('NetNamespace', object),
      error: controllerError('CHANGE_REQUEST_REFUSED', facts),
    });
  }

  function allocate(name: string, refused: Refusal['subject']): Vnid | undefined {
    const vnid = pool.allocate();
    if (vnid === undefined) refusals.push({ subject: refused, error: controllerError('VNIDS_EXHAUSTED', { name }) });
    return vnid;
  }

  function survey(object: NetNamespaceObject): void {
    pool.claim(object.netid);
    users.set(object.netid, (users.get(object.netid) ?? 0) + 1);
    const { name, uid = '', deletionTimestamp } = object.metadata;
    if (deletionTimestamp !== undefined) return;
    if (!namespaces.has(name)) {
      const unless = { kind: 'Namespace', name } as const;
      actions.push({ verb: 'delete', kind: 'NetNamespace', name, uid, unless, because: 'its Namespace is gone' });
      return;
    }
    const read = attempt(() => parseNetNamespace(object));
    if ('error' in read) {
      refusals.push({ subject: subjectOf('NetNamespace', object), error: read.error });
      return;
    }
    projects.set(name, read.value);
    if (read.value.changeRequest === undefined) return;
    const request = parseChangeRequest(read.value.changeRequest);
    if (request === undefined) refuse(object, 'is none of global, isolate and join:<project>');
    else if (request.kind === 'isolate' && name === ALWAYS_GLOBAL) {
      refuse(object, `is impossible: all projects need to reach ${ALWAYS_GLOBAL}`);
    } else requests.set(name, request);
  }

  /** The number that the project gets; undefined when none is left. */
  function answer(request: ChangeRequest, { name, vnid }: NetNamespace, object: NetNamespaceObject): Vnid | undefined {
    switch (request.kind) {
      case 'global':
        return GLOBAL_VNID;
      case 'isolate':
        if (vnid !== GLOBAL_VNID && users.get(vnid) === 1) return vnid;
        return allocate(name, subjectOf('NetNamespace', object));
      case 'join':
        return projects.get(request.target)?.vnid;
    }
  }

  /** Before any change is planned, so that nobody waits for a join that will not happen. */
  function refuseJoinOfNobody(object: NetNamespaceObject): void {
    const { name } = object.metadata;
    const request = requests.get(name);
    if (request?.kind !== 'join' || projects.has(request.target)) return;
    requests.delete(name);
    refuse(object, `names ${request.target}, which has no valid NetNamespace`);
  }

  function planChange(object: NetNamespaceObject): void {
    const { name, resourceVersion } = object.metadata;
    const project = projects.get(name);
    const request = requests.get(name);
    if (project === undefined || request === undefined || mustWait(name, requests)) return;
    const netid = answer(request, project, object);
    if (netid === undefined) return;
    users.set(project.vnid, (users.get(project.vnid) ?? 0) - 1);
    users.set(netid, (users.get(netid) ?? 0) + 1);
    const patch = { metadata: { resourceVersion, annotations: { [ANNOTATION.changeNetwork]: null } }, netid };
    actions.push({ verb: 'patch', kind: 'NetNamespace', name, from: object, patch, because: 'a change was asked for' });
  }

  const oldestFirst = [...netNamespaces.values()].sort(byAge);
  for (const object of oldestFirst) survey(object);
  for (const object of oldestFirst) refuseJoinOfNobody(object);
  for (const object of oldestFirst) planChange(object);
  for (const namespace of [...namespaces.values()].sort(byAge)) {
    const { name } = namespace.metadata;
    if (netNamespaces.has(name)) continue;
    const netid = globalNamespaces.has(name) ? GLOBAL_VNID : allocate(name, subjectOf('Namespace', namespace));
    if (netid === undefined) continue;
    const object = {
      apiVersion: apiVersionOf('NetNamespace'),
      kind: 'NetNamespace',
      metadata: { name },
      netname: name,
      netid,
    };
    actions.push({ verb: 'create', kind: 'NetNamespace', name, object, because: 'the Namespace had none' });
  }
  return { actions, refusals };
}
