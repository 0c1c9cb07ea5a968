import { CNI_ERROR, CNI_VERSIONS, DEFAULT_CNI_SOCKET, NEWEST_CNI_VERSION, UNNAMED_CNI_VERSION } from '@tenet/model/cni';

/** A call of the plugin, and the way to the daemon. */
export interface Call {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  readonly ask: (socket: string, call: object) => Promise<string>;
}

/** What the plugin prints and the status with which it exits. */
export interface Outcome {
  readonly print: string;
  readonly status: number;
}

/** Answers VERSION by itself, everything else by the daemon. Never rejects: a failure is an answer too. */
export async function answer({ environment, stdin, ask }: Call): Promise<Outcome> {
  if (environment.CNI_COMMAND === 'VERSION') {
    const cniVersion = versionOf(stdin) ?? NEWEST_CNI_VERSION;
    return { print: JSON.stringify({ cniVersion, supportedVersions: CNI_VERSIONS }), status: 0 };
  }
  const cniVersion = versionOf(stdin);
  if (cniVersion === undefined) {
    return failure(
      NEWEST_CNI_VERSION,
      CNI_ERROR.decodingFailure,
      'the network configuration on stdin is not a JSON object',
      'check the file in /etc/cni/net.d that names tenet-cni',
    );
  }
  const socket = socketOf(stdin);
  try {
    const { print, status } = JSON.parse(await ask(socket, { environment: relevant(environment), stdin })) as {
      print?: object;
      status: number;
    };
    return { print: print === undefined ? '' : JSON.stringify(print), status };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failure(
      cniVersion,
      CNI_ERROR.tryAgainLater,
      `the node's daemon does not answer at ${socket}: ${reason}`,
      'check that tenet node runs on this node',
    );
  }
}

function failure(cniVersion: string, code: number, msg: string, details: string): Outcome {
  return { print: JSON.stringify({ cniVersion, code, msg, details }), status: 1 };
}

/** Only what CNI defines is handed on: a runtime's environment is nobody's business. */
function relevant(environment: Call['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) =>
      key.startsWith('CNI_') && value !== undefined ? [[key, value]] : [],
    ),
  );
}

/** The version that the configuration names, or that of one that names none; undefined when it is no JSON object. */
function versionOf(stdin: string): string | undefined {
  const configuration = objectOf(stdin);
  if (configuration === undefined) return undefined;
  return typeof configuration.cniVersion === 'string' ? configuration.cniVersion : UNNAMED_CNI_VERSION;
}

function socketOf(stdin: string): string {
  const socket = objectOf(stdin)?.socket;
  return typeof socket === 'string' ? socket : DEFAULT_CNI_SOCKET;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
