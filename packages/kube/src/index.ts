export {
  type KubeClient,
  type Listed,
  type ObjectRef,
  type OpenKubeClientOptions,
  openKubeClient,
  type WatchOptions,
} from './client.ts';
export { KUBE_ERRORS, kubeError } from './errors.ts';
export type { ListOptions, Selection } from './list.ts';
export { type EventToRecord, recordEvent } from './record-event.ts';
export type { WatchEvent } from './watch-events.ts';
export { type WatchCache, type WatchKindOptions, watchKind } from './watch-kind.ts';
