import { ENDPOINT_SLICE_CONTROLLER, LABEL } from '@tenet/model';

/** The labels of a slice that the cluster's own controller keeps for a service with a selector: nobody doubts its pods. */
export function managedBy(service: string): Readonly<Record<string, string>> {
  return { [LABEL.serviceName]: service, [LABEL.managedBy]: ENDPOINT_SLICE_CONTROLLER };
}
