/** A kubeconfig for a server that asks for no credentials; JSON, which is YAML too. */
export function kubeconfigText({ server, context = 'tenet-lab' }: { server: string; context?: string }): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [{ name: context, cluster: { server } }],
    users: [{ name: context, user: {} }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
