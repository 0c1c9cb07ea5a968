/** What a pod may ask of the lab's kubelet. */
export const LAB_ANNOTATION = {
  /** The address that the pod wants, handed to the plugin as `runtimeConfig.ips`. */
  ip: 'tenet.io/lab-ip',
} as const;

export const LAB_LABEL = {
  /** Exactly `false` makes a wired pod unready. */
  ready: 'tenet.io/lab-ready',
} as const;
