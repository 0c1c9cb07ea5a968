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

/**
 * NetNamespace: the UID of the Namespace that it is for, once that has been seen. Only what bears it goes with its
 * Namespace: a NetNamespace may be made first.
 */
export const NAMESPACE_UID = 'tenet.io/namespace-uid';

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
    const { name, uid = '', deletionTimestamp, annotations = {} } = object.metadata;
    if (deletionTimestamp !== undefined) return;
    const namespace = namespaces.get(name);
    const namespaceUid = annotations[NAMESPACE_UID];
    if (namespaceUid !== undefined && namespaceUid !== namespace?.metadata.uid) {
      const unless = { kind: 'Namespace', name, uid: namespaceUid } as const;
      const because = namespace === undefined ? 'its Namespace is gone' : 'its Namespace was replaced by another';
      actions.push({ verb: 'delete', kind: 'NetNamespace', name, uid, unless, because });
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

  /** The number that a project is to have from now on; undefined when it keeps its own, or has to wait. */
  function change(object: NetNamespaceObject, project: NetNamespace): Vnid | undefined {
    const request = requests.get(project.name);
    if (request === undefined || mustWait(project.name, requests)) return undefined;
    const netid = answer(request, project, object);
    if (netid === undefined) return undefined;
    users.set(project.vnid, (users.get(project.vnid) ?? 0) - 1);
    users.set(netid, (users.get(netid) ?? 0) + 1);
    return netid;
  }

  function planPatch(object: NetNamespaceObject): void {
    const { name, resourceVersion, annotations = {} } = object.metadata;
    const project = projects.get(name);
    if (project === undefined) return;
    const netid = change(object, project);
    const mark = annotations[NAMESPACE_UID] === undefined ? markOf(namespaces.get(name)) : {};
    if (netid === undefined && Object.keys(mark).length === 0) return;
    const answered = netid === undefined ? {} : { [ANNOTATION.changeNetwork]: null };
    const metadata = { resourceVersion, annotations: { ...mark, ...answered } };
    const patch = { metadata, ...(netid === undefined ? {} : { netid }) };
    const because = netid === undefined ? 'its Namespace was not written on it' : 'a change was asked for';
    actions.push({ verb: 'patch', kind: 'NetNamespace', name, from: object, patch, because });
  }

  const oldestFirst = [...netNamespaces.values()].sort(byAge);
  for (const object of oldestFirst) survey(object);
  for (const object of oldestFirst) refuseJoinOfNobody(object);
  for (const object of oldestFirst) planPatch(object);
  for (const namespace of [...namespaces.values()].sort(byAge)) {
    const { name } = namespace.metadata;
    if (netNamespaces.has(name)) continue;
    const netid = globalNamespaces.has(name) ? GLOBAL_VNID : allocate(name, subjectOf('Namespace', namespace));
    if (netid === undefined) continue;
    const object = {
      apiVersion: apiVersionOf('NetNamespace'),
      kind: 'NetNamespace',
      metadata: { name, annotations: markOf(namespace) },
      netname: name,
      netid,
    };
    actions.push({ verb: 'create', kind: 'NetNamespace', name, object, because: 'the Namespace had none' });
  }
  return { actions, refusals };
}

function markOf(namespace: NamespaceObject | undefined): Readonly<Record<string, string>> {
  const uid = namespace?.metadata.uid;
  return uid === undefined ? {} : { [NAMESPACE_UID]: uid };
}
