import { errorKinds, kind } from '@tenet/std';

/** Every way in which an object fails to mean something. */
export const {
  error: modelError,
  fail: failModel,
  table: MODEL_ERRORS,
} = errorKinds({
  VNID_OUT_OF_RANGE: kind<{ vnid: unknown }>({
    says: ({ vnid }) => `VNID ${vnid} does not fit in 24 bits`,
    remedy: () => 'choose a NetNamespace netid between 0 and 16777215',
  }),
  OBJECT_INVALID: kind<{ kind: string; name: string; field: string; problem: string }>({
    says: ({ kind: k, name, field, problem }) => `${k} ${name}: ${field} ${problem}`,
    remedy: ({ kind: k, name, field }) => `correct ${field} of ${k} ${name}`,
  }),
});
