export { type ResourceSpec, ResourceTable } from './api/resources.ts';
export {
  type ApiListener,
  type ApiServer,
  type ApiServerOptions,
  type ListenAt,
  startApiServer,
} from './api/server.ts';
export { ApiStore, type ApiStoreOptions } from './api/store.ts';
export { type ApiProcessOptions, runApiServer } from './api-process.ts';
export { takeDown } from './down.ts';
export {
  type EndpointSliceControllerOptions,
  runEndpointSliceController,
} from './endpoints/endpoint-slice-controller.ts';
export type { OwnedSlice } from './endpoints/plan-slices.ts';
export { DEFAULT_STATE, LAB_ERRORS, stateArgument } from './errors.ts';
export { execIn } from './exec-in.ts';
export { runKubelet } from './kubelet/kubelet.ts';
export { readDropCounters } from './probe/drop-counters.ts';
export { type Endpoint, endpointsOf } from './probe/endpoint.ts';
export {
  type AskedService,
  expectRouted,
  expectService,
  type PodEndpoint,
  type ServiceAddress,
  type ServiceOutcome,
} from './probe/expect-service.ts';
export { isReached, type Outcome } from './probe/outcome.ts';
export { type ProbeFrom, probeFrom } from './probe/probe-from.ts';
export { type PingProbe, probePing } from './probe/probe-ping.ts';
export { probeTcp } from './probe/probe-tcp.ts';
export { probeUdp, type UdpProbe } from './probe/probe-udp.ts';
export { type PairFinding, proveIsolation } from './probe/prove-isolation.ts';
export { endDaemon, startDaemonAgain } from './restart-daemon.ts';
export { matrixText } from './show/matrix-text.ts';
export { serviceWalkText } from './show/service-walk-text.ts';
export { statusText } from './show/status-text.ts';
export { wayInText } from './show/way-in-text.ts';
export type { LabPaths } from './state/lab-paths.ts';
export { type Datapath, findLab, type Lab, openLab, type ProxyMode } from './state/lab-state.ts';
export { deadProcesses, type LabHealth, type LabStatus, labHealth } from './status/lab-status.ts';
export { namespaceOf, targetsOf } from './targets.ts';
export { untilGone } from './until-gone.ts';
export { type BringUpOptions, bringUp } from './up/bring-up.ts';
export type { ServiceWalk, WalkStep } from './walk/service-walk.ts';
export { type WalkSpec, walkToService } from './walk/walk-to-service.ts';
export { type Doors, type WayIn, waysIn } from './walk/way-in.ts';
