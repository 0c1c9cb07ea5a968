export { CONTROLLER_ERRORS } from './errors.ts';
export { type ControllerOptions, GLOBAL_NAMESPACES, runController } from './run-controller.ts';
