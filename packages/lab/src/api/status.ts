import type { JsonObject } from './json.ts';

/** Machine-readable reasons of a Status (meta/v1), with the HTTP status that goes with each. */
const REASONS = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
  Timeout: 504,
} as const;

export type Reason = keyof typeof REASONS;

/** What a Status says of the object that it is about. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural, despite its name. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message: string; readonly field?: string }[];
}

/** A refusal in the API's own terms; the server turns it into a Status object. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly reason: Reason;
  readonly details: StatusDetails | undefined;

  constructor(reason: Reason, message: string, details?: StatusDetails) {
    super(message);
    this.reason = reason;
    this.details = details;
  }

  get code(): number {
    return REASONS[this.reason];
  }

  /** The body of the answer. */
  get status(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: { ...this.details } as JsonObject }),
      code: this.code,
    };
  }
}

/** The body of an answer that says only that it is done. */
export function successStatus(details: StatusDetails): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { ...details } as JsonObject };
}
