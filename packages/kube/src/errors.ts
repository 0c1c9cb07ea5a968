import { errorKinds, kind } from '@tenet/std';

/** What was asked of the API server. */
export interface Asked {
  /** `list`, `get`, `create`, `update`, `patch`, `delete` or `watch`. */
  readonly verb: string;
  /** Path and query of the request. */
  readonly path: string;
}

/** An answer that was not what was asked for. */
export interface Refused extends Asked {
  /** The HTTP status. */
  readonly status: number;
  /** The machine-readable reason of the Status object: `Conflict`, `Expired`; empty when there was none. */
  readonly reason: string;
  /** The server's own sentence. */
  readonly message: string;
}

const told = ({ verb, path, message }: Refused) => `${verb} ${path}: ${message}`;

/** Every way in which the API server, or the way to it, fails us. */
export const {
  error: kubeError,
  fail: failKube,
  table: KUBE_ERRORS,
} = errorKinds({
  KUBE_CONFIG_INVALID: kind<{ kubeconfig: string; problem: string }>({
    says: ({ kubeconfig, problem }) => `cannot use ${kubeconfig}: ${problem}`,
    remedy: ({ kubeconfig }) => `check ${kubeconfig}: kubectl config view`,
  }),
  KUBE_UNREACHABLE: kind<Asked & { server: string; problem: string }>({
    says: ({ verb, path, server, problem }) => `cannot reach the API server at ${server} (${verb} ${path}): ${problem}`,
    remedy: ({ server }) => `check that ${server} is right in the kubeconfig, and that it answers: kubectl version`,
  }),
  KUBE_DEADLINE: kind<Asked & { server: string; deadlineMs: number }>({
    says: ({ verb, path, server, deadlineMs }) =>
      `the API server at ${server} did not answer ${verb} ${path} within ${deadlineMs} ms`,
    remedy: ({ server }) => `check the load of the API server at ${server} and the network to it`,
  }),
  KUBE_CREDENTIALS_LATE: kind<Asked & { source: string; deadlineMs: number }>({
    says: ({ verb, path, source, deadlineMs }) =>
      `the credentials for ${verb} ${path} did not come within ${deadlineMs} ms from ${source}`,
    remedy: ({ source }) => `check what it waits for, by running it by hand: ${source}`,
  }),
  KUBE_MALFORMED: kind<Asked & { problem: string }>({
    says: ({ verb, path, problem }) => `${verb} ${path}: the answer makes no sense: ${problem}`,
    remedy: () => 'check that the server in the kubeconfig is a Kubernetes API server, not a proxy in between',
  }),
  KUBE_UNAUTHORIZED: kind<Refused>({
    says: told,
    remedy: () => 'check the credentials in the kubeconfig: kubectl auth whoami',
  }),
  KUBE_FORBIDDEN: kind<Refused>({
    says: told,
    remedy: ({ verb, path }) => `check the roles bound to this user: it must be allowed to ${verb} ${path}`,
  }),
  KUBE_NOT_FOUND: kind<Refused>({
    says: told,
    remedy: () => 'check that the object exists, and that the custom resource definitions are installed',
  }),
  KUBE_ALREADY_EXISTS: kind<Refused>({
    says: told,
    remedy: () => 'choose another name, or update the object that is there',
  }),
  KUBE_CONFLICT: kind<Refused>({
    says: told,
    remedy: () => 'run it again: somebody else changed the object in between',
  }),
  KUBE_GONE: kind<Refused>({
    says: told,
    remedy: () => 'run the list again: the server no longer holds that resource version',
  }),
  KUBE_REFUSED: kind<Refused>({
    says: told,
    remedy: () => 'correct the object as the message of the server says',
  }),
  KUBE_UNAVAILABLE: kind<Refused & { retryAfterMs: number }>({
    says: told,
    remedy: ({ retryAfterMs }) =>
      `wait ${retryAfterMs > 0 ? `${retryAfterMs} ms` : 'a while'} and try again; check the log of the API server if it stays so`,
  }),
});
