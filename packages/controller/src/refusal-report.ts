import { type KubeClient, recordEvent } from '@tenet/kube';
import { type Clock, type Logger, sentenceOf } from '@tenet/std';
import type { Refusal, Subject } from './refusal.ts';

/** Who the Events are from. */
const COMPONENT = 'tenet-controller';

/** What a report is told with. */
export interface RefusalReportOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Tells each refusal once, as an Event on the object and as a log line in the same words, for as long as it stands;
 * one that went away and comes again is told again. An Event that the API server did not take is sent again.
 */
export class RefusalReport {
  readonly #options: RefusalReportOptions;
  /** By refusal: whether its Event was taken. */
  #standing: ReadonlyMap<string, boolean> = new Map();

  constructor(options: RefusalReportOptions) {
    this.#options = options;
  }

  /** Takes all refusals that stand now; tells those that are new. */
  async tell(refusals: readonly Refusal[]): Promise<void> {
    const standing = new Map<string, boolean>();
    for (const refusal of refusals) {
      const key = keyOf(refusal);
      if (standing.has(key)) continue;
      const recorded = this.#standing.get(key);
      if (recorded === undefined) this.#log(refusal);
      standing.set(key, recorded === true || (await this.#record(refusal)));
    }
    this.#standing = standing;
  }

  #log({ subject, error: { code, message, remedy } }: Refusal): void {
    this.#options.log.warn('refused', { kind: subject.kind, name: nameOf(subject), code, error: message, remedy });
  }

  async #record({ subject, error: { code, message, remedy } }: Refusal): Promise<boolean> {
    const { client, clock, log } = this.#options;
    const event = { object: subject, reason: reasonOf(code), message: `${message}; ${remedy}` };
    try {
      await recordEvent(client, { ...event, type: 'Warning', component: COMPONENT, clock });
      return true;
    } catch (error) {
      log.debug('event not recorded', { kind: subject.kind, name: nameOf(subject), error: sentenceOf(error) });
      return false;
    }
  }
}

/** `SUBNETS_EXHAUSTED` is `SubnetsExhausted` in an Event. */
export function reasonOf(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** As people write it: with its namespace, if it has one. */
function nameOf({ namespace, name }: Subject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function keyOf({ subject, error: { code, message } }: Refusal): string {
  return JSON.stringify([subject.kind, nameOf(subject), subject.uid, code, message]);
}
