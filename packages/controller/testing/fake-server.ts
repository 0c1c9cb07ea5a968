import { kubeError } from '@tenet/kube';
import type { KindName, KubeObject, ObjectOf } from '@tenet/model';
import type { Writer } from '../src/apply-action.ts';

/** What one request may meet: an API server that is not reached, or whose answer is lost on the way. */
export type Fate = 'answered' | 'never arrives' | 'answer is lost';

interface Change {
  readonly kind: KindName;
  readonly name: string;
  readonly object: KubeObject | undefined;
}

const refused = (status: number) => ({ verb: 'write', path: '/', status, reason: '', message: `HTTP ${status}` });

/**
 * The objects of a cluster with optimistic concurrency, as an API server keeps them, in memory. Requests meet the fates
 * that a test puts in line.
 */
export class FakeServer implements Writer {
  readonly history: Change[] = [];
  readonly fates: Fate[] = [];
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;

  /** All objects of a kind, by name. */
  of<K extends KindName>(kind: K): Map<string, ObjectOf[K]> {
    const ofKind = [...this.#objects].filter(([key]) => key.startsWith(`${kind}/`));
    return new Map(ofKind.map(([, object]) => [object.metadata.name, object as ObjectOf[K]]));
  }

  /** What an admin or a kubelet writes: never fails. */
  put<K extends KindName>(kind: K, object: ObjectOf[K]): ObjectOf[K] {
    this.#version++;
    const before = this.#objects.get(`${kind}/${object.metadata.name}`);
    const uid = before?.metadata.uid ?? `uid-${this.#version}`;
    const metadata = { creationTimestamp: `v${1e6 + this.#version}`, ...object.metadata };
    const stored = { ...object, metadata: { ...metadata, uid, resourceVersion: `${this.#version}` } };
    this.#commit({ kind, name: object.metadata.name, object: stored });
    return stored;
  }

  /** What an admin deletes. */
  remove(kind: KindName, name: string): void {
    if (this.#objects.has(`${kind}/${name}`)) this.#commit({ kind, name, object: undefined });
  }

  async get<K extends KindName>(kind: K, { name }: { name: string }): Promise<ObjectOf[K] | undefined> {
    return this.#meet(() => this.of(kind).get(name));
  }

  async create<K extends KindName>(kind: K, object: ObjectOf[K]): Promise<ObjectOf[K]> {
    return this.#meet(() => {
      if (this.of(kind).has(object.metadata.name)) throw kubeError('KUBE_ALREADY_EXISTS', refused(409));
      return this.put(kind, object);
    });
  }

  async patch<K extends KindName>(kind: K, { name }: { name: string }, patch: object): Promise<ObjectOf[K]> {
    return this.#meet(() => {
      const before = this.of(kind).get(name);
      if (before === undefined) throw kubeError('KUBE_NOT_FOUND', refused(404));
      const { metadata = {}, ...fields }: { metadata?: Partial<KubeObject['metadata']> } = patch;
      const { resourceVersion, annotations } = metadata;
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw kubeError('KUBE_CONFLICT', refused(409));
      }
      const merged = Object.entries({ ...before.metadata.annotations, ...annotations });
      const kept = Object.fromEntries(merged.filter(([, value]) => value !== null));
      return this.put(kind, { ...before, ...fields, metadata: { ...before.metadata, annotations: kept } });
    });
  }

  async delete(kind: KindName, { name, uid }: { name: string; uid?: string }): Promise<boolean> {
    return this.#meet(() => {
      const before = this.of(kind).get(name);
      if (before === undefined) return false;
      if (uid !== undefined && uid !== before.metadata.uid) throw kubeError('KUBE_CONFLICT', refused(409));
      this.remove(kind, name);
      return true;
    });
  }

  #meet<T>(serve: () => T): T {
    const fate = this.fates.shift() ?? 'answered';
    const lost = { verb: 'write', path: '/', server: 'fake', problem: fate };
    if (fate === 'never arrives') throw kubeError('KUBE_UNREACHABLE', lost);
    const answer = serve();
    if (fate === 'answer is lost') throw kubeError('KUBE_UNREACHABLE', lost);
    return answer;
  }

  #commit(change: Change): void {
    const key = `${change.kind}/${change.name}`;
    if (change.object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, change.object);
    this.history.push(change);
  }
}

/** A watch cache that shows the changes of one kind as late as a test wants. */
export class LateCache<K extends KindName> {
  readonly entries: Map<string, ObjectOf[K]>;
  readonly #server: FakeServer;
  readonly #kind: K;
  #shown: number;

  constructor(server: FakeServer, kind: K) {
    this.#server = server;
    this.#kind = kind;
    this.entries = server.of(kind);
    this.#shown = server.history.length;
  }

  get(name: string): ObjectOf[K] | undefined {
    return this.entries.get(name);
  }

  /** Shows the next `count` changes of its kind. */
  show(count: number): void {
    const { history } = this.#server;
    for (let left = count; left > 0 && this.#shown < history.length; this.#shown++) {
      const change = history[this.#shown];
      if (change?.kind !== this.#kind) continue;
      left--;
      if (change.object === undefined) this.entries.delete(change.name);
      else this.entries.set(change.name, change.object as ObjectOf[K]);
    }
  }
}
