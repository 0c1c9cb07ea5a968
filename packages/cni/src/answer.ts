import {
  CNI_ERROR,
  CNI_VERSIONS,
  DEFAULT_CNI_SOCKET,
  DEFAULT_LEASE_DIRECTORY,
  NEWEST_CNI_VERSION,
  UNNAMED_CNI_VERSION,
} from '@tenet/model/cni';

/** A call of the plugin, the way to the daemon, and what is known without it. */
export interface Call {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  readonly ask: (socket: string, call: object) => Promise<string>;
  /** True when pods of this node have addresses, as the leases in this directory say. */
  readonly hasPods: (leaseDirectory: string) => boolean;
}

/** What the plugin prints and the status with which it exits. */
export interface Outcome {
  readonly print: string;
  readonly status: number;
}

/** Answers VERSION by itself, everything else by the daemon. Never rejects: a failure is an answer too. */
export async function answer({ environment, stdin, ask, hasPods }: Call): Promise<Outcome> {
  const configuration = objectOf(stdin);
  const command = environment.CNI_COMMAND;
  if (command === 'VERSION') {
    const cniVersion = configuration === undefined ? NEWEST_CNI_VERSION : versionOf(configuration);
    return { print: JSON.stringify({ cniVersion, supportedVersions: CNI_VERSIONS }), status: 0 };
  }
  if (configuration === undefined) {
    return failure(NEWEST_CNI_VERSION, {
      code: CNI_ERROR.decodingFailure,
      msg: 'the network configuration on stdin is not a JSON object',
      details: 'check the file in /etc/cni/net.d that names tenet-cni',
    });
  }
  const socket = textOf(configuration.socket) ?? DEFAULT_CNI_SOCKET;
  try {
    const { print, status } = JSON.parse(await ask(socket, { environment: relevant(environment), stdin })) as {
      print?: object;
      status: number;
    };
    return { print: print === undefined ? '' : JSON.stringify(print), status };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const leases = textOf(configuration.leases) ?? DEFAULT_LEASE_DIRECTORY;
    return failure(versionOf(configuration), {
      code: command === 'STATUS' ? unavailable(hasPods(leases)) : CNI_ERROR.tryAgainLater,
      msg: `the node's daemon does not answer at ${socket}: ${reason}`,
      details: 'check that tenet node runs on this node',
    });
  }
}

/** What STATUS says without a daemon: nobody follows what changes for the pods that are here. */
function unavailable(hasPods: boolean): number {
  return hasPods ? CNI_ERROR.notAvailableLimited : CNI_ERROR.notAvailable;
}

function failure(
  cniVersion: string,
  error: { readonly code: number; readonly msg: string; readonly details: string },
): Outcome {
  return { print: JSON.stringify({ cniVersion, ...error }), status: 1 };
}

/** Only what CNI defines is handed on: a runtime's environment is nobody's business. */
function relevant(environment: Call['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) =>
      key.startsWith('CNI_') && value !== undefined ? [[key, value]] : [],
    ),
  );
}

/** The version that a configuration names, or that of one that names none. */
function versionOf({ cniVersion }: Readonly<Record<string, unknown>>): string {
  return textOf(cniVersion) ?? UNNAMED_CNI_VERSION;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
