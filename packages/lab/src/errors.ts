import { errorKinds, kind } from '@tenet/std';

/** Every way in which the lab fails on purpose. */
export const { fail: failLab, table: LAB_ERRORS } = errorKinds({
  LAB_ALREADY_UP: kind<{ state: string; runs: string }>({
    says: ({ state, runs }) => `lab is already up: ${runs} (${state})`,
    remedy: ({ state }) =>
      `run 'tenet lab down${stateArgument(state)}' first, or choose another directory with --state`,
  }),
  LAB_NOT_UP: kind<{ state: string }>({
    says: ({ state }) => `there is no lab at ${state}`,
    remedy: ({ state }) => `run 'tenet lab up --detach${stateArgument(state)}'`,
  }),
  NOT_ROOT: kind<{ command: string }>({
    says: ({ command }) => `${command} needs root: it makes network namespaces and starts Open vSwitch`,
    remedy: () => 'run it as root, or with sudo',
  }),
  STATE_DIRECTORY_TAKEN: kind<{ state: string; holds: string }>({
    says: ({ state, holds }) => `${state} is no lab's directory and is not empty: it holds ${holds}`,
    remedy: () => 'choose an empty or a new directory with --state',
  }),
  STATE_PATH_TOO_LONG: kind<{ path: string; limitBytes: number }>({
    says: ({ path, limitBytes }) => `${path} would be longer than the ${limitBytes} bytes of a unix socket's path`,
    remedy: () => 'choose a shorter directory with --state',
  }),
  STATE_UNREADABLE: kind<{ path: string }>({
    says: ({ path }) => `${path} is not what this version of the lab wrote`,
    remedy: () => 'run the lab down with the version that brought it up, or remove what `ip netns` shows by hand',
  }),
  PROGRAM_MISSING: kind<{ program: string; package: string }>({
    says: ({ program }) => `the program ${program} is not installed or not on the PATH`,
    remedy: (facts) => `install it with: apt-get install ${facts.package}`,
  }),
  NAMESPACE_TAKEN: kind<{ path: string }>({
    says: ({ path }) => `${path} exists already and is not this lab's`,
    remedy: ({ path }) => `check whose it is, then remove it with: ip netns delete ${path.split('/').at(-1)}`,
  }),
  NO_FREE_PORT: kind<{ from: number; tries: number }>({
    says: ({ from, tries }) => `none of the ${tries} TCP ports from ${from} on is free on 127.0.0.1`,
    remedy: () => 'choose another directory with --state, which starts at another port, or end what listens there',
  }),
  COMMAND_FAILED: kind<{ command: string; status: number | string; says: string }>({
    says: ({ command, status, says }) => `${command} failed (${status}): ${says}`,
    remedy: () => 'run the command by hand to see more',
  }),
  STEP_FAILED: kind<{ step: string; why: string; log: string }>({
    says: ({ step, why, log }) => `${step} failed: ${why}${log === '' ? '' : `\n${log}`}`,
    remedy: () => 'check the lines of the log above; nothing of the lab was left behind',
  }),
  NOT_READY: kind<{ what: string; seconds: number; state: string }>({
    says: ({ what, seconds, state }) => `${what} within ${seconds} s: ${state}`,
    remedy: () => 'check the log lines of the process that should have done it',
  }),
  UNKNOWN_TARGET: kind<{ target: string; known: readonly string[] }>({
    says: ({ target, known }) => `there is no ${JSON.stringify(target)} in this lab; there are ${known.join(', ')}`,
    remedy: () => 'choose one of those names',
  }),
  UNKNOWN_DAEMON: kind<{ daemon: string; known: readonly string[] }>({
    says: ({ daemon, known }) => `this lab has never started ${JSON.stringify(daemon)}; it has ${known.join(', ')}`,
    remedy: () => 'choose one of those names',
  }),
  DAEMON_RUNS: kind<{ daemon: string; pid: number }>({
    says: ({ daemon, pid }) => `${daemon} runs already, as process ${pid}`,
    remedy: () => 'wait until it has ended, or end it first',
  }),
  CNI_CONFIGURATION: kind<{ path: string; problem: string }>({
    says: ({ path, problem }) => `the CNI configuration ${path} ${problem}`,
    remedy: () => 'check that the agent of the node runs: it writes the configuration when it is ready',
  }),
  CNI_FAILED: kind<{ command: string; code: number; message: string; details: string }>({
    says: ({ command, code, message, details }) =>
      `CNI ${command} failed with code ${code}: ${message}${details === '' ? '' : ` (${details})`}`,
    remedy: () => "check the log of the node's agent",
  }),
});

/** What has to be typed for a state directory that is not the usual one. */
export function stateArgument(state: string): string {
  return state === DEFAULT_STATE ? '' : ` --state ${state}`;
}

/** Where the lab lives unless told otherwise. */
export const DEFAULT_STATE = '/run/tenet-lab';
