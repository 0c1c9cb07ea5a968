import http from 'node:http';
import https from 'node:https';
import { sentenceOf } from '@tenet/std';
import { kubeError } from './errors.ts';

/** What a request needs to be allowed in. */
export interface Access {
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string>>;
  /** `user:password` for basic authentication. */
  readonly auth?: string;
}

/** Where the API server is, and how to be allowed in. */
export interface Credentials extends Disposable {
  readonly server: URL;
  /** Where they come from, for errors: the exec plugin and its command, or the kubeconfig. */
  readonly source: string;
  /** For the next request: tokens and client certificates are renewed when they are due. */
  access(): Promise<Access>;
  /** The server refused what `access` gave: ask the source again. */
  forget(): void;
}

/** How long credentials are used before files are read again; an exec plugin or a token file renews within this. */
const REUSE_MS = 30_000;
/** TCP keep-alive: how long a connection is idle before the kernel asks whether the other end is still there. */
const KEEP_ALIVE_PROBE_MS = 15_000;

/**
 * Reads a kubeconfig (or what `KubeConfig.loadFromDefault` finds: $KUBECONFIG, ~/.kube/config, the pod's service
 * account). Of the client library that part is loaded which `tools/build.ts` has bundled, and only here: its import takes
 * longer than most commands.
 */
export async function loadCredentials(path?: string): Promise<Credentials> {
  const kubeconfig = path ?? 'the default kubeconfig';
  const { KubeConfig } = await import('../dist/kube-config.js');
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (cause) {
    throw kubeError('KUBE_CONFIG_INVALID', { kubeconfig, problem: sentenceOf(cause) }, cause);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw kubeError('KUBE_CONFIG_INVALID', {
      kubeconfig,
      problem: `context ${config.currentContext} names no cluster`,
    });
  }
  if (!URL.canParse(cluster.server)) {
    throw kubeError('KUBE_CONFIG_INVALID', { kubeconfig, problem: `server ${cluster.server} is not a URL` });
  }
  const server = new URL(cluster.server);
  // As kubectl: over plain HTTP no credentials are sent, since anybody on the way could read them.
  if (server.protocol === 'http:' && !cluster.proxyUrl) return anonymous(server, kubeconfig);

  const agents = new AgentCache();
  const exec: { readonly command?: string } | null | undefined = config.getCurrentUser()?.exec;
  const source = exec?.command === undefined ? kubeconfig : `the exec plugin ${exec.command} of ${kubeconfig}`;
  let known: { access: Access; untilMs: number } | undefined;
  let coming: Promise<Access> | undefined;

  async function renew(): Promise<Access> {
    const options: https.RequestOptions & { headers: Record<string, string> } = { headers: {} };
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw kubeError('KUBE_CONFIG_INVALID', { kubeconfig: source, problem: sentenceOf(cause) }, cause);
    }
    // A proxy's agent is the library's own; it keeps one per cluster and user.
    const agent = cluster?.proxyUrl && options.agent instanceof http.Agent ? options.agent : agents.agentFor(options);
    const access = { agent, headers: options.headers, ...(options.auth ? { auth: options.auth } : {}) };
    known = { access, untilMs: Date.now() + REUSE_MS };
    return access;
  }

  return {
    server,
    source,
    async access() {
      if (known !== undefined && Date.now() < known.untilMs) return known.access;
      // One for all that wait: a plugin that hangs is not started again by every retry.
      coming ??= renew().finally(() => {
        coming = undefined;
      });
      return await coming;
    },
    forget() {
      known = undefined;
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

function anonymous(server: URL, source: string): Credentials {
  const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_PROBE_MS });
  const access = { agent, headers: {} };
  return { server, source, access: async () => access, forget() {}, [Symbol.dispose]: () => agent.destroy() };
}

/** One keep-alive TLS agent for as long as the certificates stay what they are. */
class AgentCache implements Disposable {
  #agent: https.Agent | undefined;
  #material = '';

  agentFor({ ca, cert, key, servername, rejectUnauthorized }: https.RequestOptions): https.Agent {
    const material = JSON.stringify([ca, cert, key, servername, rejectUnauthorized].map((part) => part?.toString()));
    if (this.#agent !== undefined && material === this.#material) return this.#agent;
    // The agent before is let go, not destroyed: that would cut the watches that run over it.
    this.#material = material;
    this.#agent = new https.Agent({
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_PROBE_MS,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    });
    return this.#agent;
  }

  [Symbol.dispose](): void {
    this.#agent?.destroy();
  }
}
