import { ANNOTATION } from './annotations.ts';
import { failModel } from './errors.ts';
import type { NetNamespaceObject } from './objects.ts';
import { type Vnid, vnidOf } from './vnid.ts';

/** A project's number. */
export interface NetNamespace {
  readonly name: string;
  readonly vnid: Vnid;
  readonly multicast: boolean;
  /** What somebody asked the controller to do, verbatim. */
  readonly changeRequest?: string;
}

/** Reads and validates a NetNamespace; OBJECT_INVALID or VNID_OUT_OF_RANGE. */
export function parseNetNamespace(object: NetNamespaceObject): NetNamespace {
  const { name, annotations = {} } = object.metadata;
  if (object.netname !== name) {
    failModel('OBJECT_INVALID', {
      kind: 'NetNamespace',
      name,
      field: 'netname',
      problem: `${JSON.stringify(object.netname)} must be the object's name`,
    });
  }
  const changeRequest = annotations[ANNOTATION.changeNetwork];
  return {
    name,
    vnid: vnidOf(object.netid),
    multicast: annotations[ANNOTATION.multicastEnabled] === 'true',
    ...(changeRequest === undefined ? {} : { changeRequest }),
  };
}
