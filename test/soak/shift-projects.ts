import { setTimeout as pause } from 'node:timers/promises';
import type { KubeClient } from '@tenet/kube';
import { ANNOTATION } from '@tenet/model';
import { eventually } from '../eventually.ts';
import { WANDERERS } from './cast.ts';
import type { Seeded } from './seeded.ts';

/** How long the controller may take for an answer: it may be down, and starts again. */
const ANSWER_MS = 60_000;
const PAUSE_MS = [200, 1500] as const;

/**
 * Joins the wandering projects to each other and isolates them again, as `oc adm pod-network` asks for it, until the
 * signal aborts. Returns how many requests were answered.
 */
export async function shiftProjects(kube: KubeClient, choices: Seeded, signal: AbortSignal): Promise<number> {
  let answered = 0;
  for (; !signal.aborted; answered++) {
    const [project, other] = [choices.pick(WANDERERS), choices.pick(WANDERERS)];
    const isApart = project === other || choices.isChance(0.4);
    await ask(kube, project.name, isApart ? 'isolate' : `join:${other.name}`);
    await pause(choices.between(...PAUSE_MS), undefined, { signal }).catch(() => {});
  }
  return answered;
}

async function ask(kube: KubeClient, name: string, request: string): Promise<void> {
  const annotations = { [ANNOTATION.changeNetwork]: request };
  await kube.patch('NetNamespace', { name }, { metadata: { annotations } });
  await eventually(
    async () => {
      const object = await kube.get('NetNamespace', { name });
      return object?.metadata.annotations?.[ANNOTATION.changeNetwork] === undefined ? true : undefined;
    },
    { what: `the controller answers ${request} of ${name}`, deadlineMs: ANSWER_MS },
  );
}
