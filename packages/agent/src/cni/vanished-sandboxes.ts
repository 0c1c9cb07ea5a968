import { existsSync } from 'node:fs';
import { settleEach } from '../settle-each.ts';
import { type Attachment, hostVethName } from './attachment.ts';
import { CallParts } from './call-parts.ts';
import { detach } from './detach.ts';
import { type KnownAttachment, knownAttachments } from './known-attachments.ts';
import { releaseUnusedUnreadable } from './unreadable-leases.ts';
import type { Wiring } from './wiring.ts';

/** How long a sandbox must have been gone: a runtime that is alive sends its DEL before. */
const GRACE_MS = 60_000;

export interface VanishedSandboxesOptions {
  readonly graceMs?: number;
  /** Of a clock that never jumps. */
  readonly nowMs?: () => number;
}

/**
 * Detaches, as a DEL would, what is left of pods whose sandbox and veth are both gone for a while: after a node's
 * reboot nobody may ever send that DEL. As long as one of the two is there nothing is touched. Leases that say nothing
 * go with them, as soon as it is sure that they are of no pod.
 */
export class VanishedSandboxes {
  readonly #wiring: Wiring;
  readonly #graceMs: number;
  readonly #nowMs: () => number;
  /** Since when each is seen to be gone. */
  #goneSinceMs = new Map<string, number>();

  constructor(wiring: Wiring, { graceMs = GRACE_MS, nowMs = () => performance.now() }: VanishedSandboxesOptions = {}) {
    this.#wiring = wiring;
    this.#graceMs = graceMs;
    this.#nowMs = nowMs;
  }

  /** Looks once; rejects with all that failed, after it has tried each. */
  async detachGone(signal: AbortSignal): Promise<void> {
    const { queue, ovs, log } = this.#wiring;
    // What is not connected cannot be detached.
    if (!ovs.isConnected) return;
    for (const ip of releaseUnusedUnreadable(this.#wiring))
      log.info('unreadable lease of no pod removed', { ip: `${ip}` });
    const nowMs = this.#nowMs();
    const gone = knownAttachments(this.#wiring).filter((known) => !queue.isBusy(known.key) && this.#isGone(known));
    this.#goneSinceMs = new Map(gone.map(({ key }) => [key, this.#goneSinceMs.get(key) ?? nowMs]));
    const late = gone.filter(({ key }) => nowMs - (this.#goneSinceMs.get(key) ?? nowMs) >= this.#graceMs);
    await settleEach(late.map((known) => queue.run(known.key, () => this.#detach(known, signal))));
  }

  /** Of a sandbox that nobody remembers it cannot be said that it is gone. */
  #isGone({ attachment, namespaces }: KnownAttachment): boolean {
    return namespaces.size > 0 && ![...namespaces].some((netns) => existsSync(netns)) && !this.#hasVeth(attachment);
  }

  #hasVeth(attachment: Attachment): boolean {
    return this.#wiring.netlink.link(hostVethName(attachment)) !== undefined;
  }

  async #detach(known: KnownAttachment, signal: AbortSignal): Promise<void> {
    const { leases, log } = this.#wiring;
    if (!this.#isGone(known)) return;
    const { containerId, ifName } = known.attachment;
    const ip = leases.of(known.attachment)?.toString();
    await detach(this.#wiring, known.attachment, { signal, parts: new CallParts() });
    log.info('pod without a sandbox detached', {
      containerId,
      interface: ifName,
      ip,
      netns: [...known.namespaces].join(),
    });
  }
}
