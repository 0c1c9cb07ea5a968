import type { TenetError } from '@tenet/std';
import { type Asked, kubeError, type Refused } from './errors.ts';

/** What is known of an answer whose status is not 2xx. */
export interface BadAnswer {
  readonly status: number;
  /** The body as it came: a Status object from an API server, anything from a proxy in between. */
  readonly text: string;
  /** The Retry-After header, in seconds. */
  readonly retryAfter?: string | undefined;
}

/** The typed error for an answer that is not 2xx, by its status and, where two share one, by its reason. */
export function refusal(asked: Asked, { status, text, retryAfter }: BadAnswer): TenetError {
  const { reason, message, retryAfterSeconds } = statusFields(parsed(text));
  const facts: Refused = {
    ...asked,
    status,
    reason,
    message: message || `HTTP ${status} ${text.slice(0, 200)}`.trim(),
  };
  if (status === 401) return kubeError('KUBE_UNAUTHORIZED', facts);
  if (status === 403) return kubeError('KUBE_FORBIDDEN', facts);
  if (status === 404) return kubeError('KUBE_NOT_FOUND', facts);
  if (status === 409) return kubeError(reason === 'AlreadyExists' ? 'KUBE_ALREADY_EXISTS' : 'KUBE_CONFLICT', facts);
  if (status === 410) return kubeError('KUBE_GONE', facts);
  if (status === 429 || status >= 500) {
    return kubeError('KUBE_UNAVAILABLE', { ...facts, retryAfterMs: 1000 * (retryAfterSeconds || seconds(retryAfter)) });
  }
  return kubeError('KUBE_REFUSED', facts);
}

/** The typed error for the object of a watch's ERROR event: a Status that carries its own code. */
export function refusalOfEvent(asked: Asked, object: unknown): TenetError {
  const code = typeof object === 'object' && object !== null && 'code' in object ? object.code : undefined;
  return refusal(asked, { status: typeof code === 'number' ? code : 500, text: JSON.stringify(object) ?? '' });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Status` of meta/v1, as far as it is there. */
function statusFields(body: unknown): { reason: string; message: string; retryAfterSeconds: number } {
  const status: { reason?: unknown; message?: unknown; details?: { retryAfterSeconds?: unknown } | null } =
    typeof body === 'object' && body !== null ? body : {};
  const wait = status.details?.retryAfterSeconds;
  return {
    reason: typeof status.reason === 'string' ? status.reason : '',
    message: typeof status.message === 'string' ? status.message : '',
    retryAfterSeconds: typeof wait === 'number' ? wait : 0,
  };
}

/** Retry-After may also be a date (RFC 9110 §10.2.3); API servers send seconds. */
function seconds(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
