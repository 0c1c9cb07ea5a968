import { stringify } from 'yaml';

/** The kubeconfig of a lab: the same address in the machine's namespace and in each node's, so one is right everywhere. */
export function kubeconfigText(apiPort: number): string {
  const name = 'tenet-lab';
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: `http://127.0.0.1:${apiPort}` } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}
