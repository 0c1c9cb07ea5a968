/** What a pod or a service may ask of the lab. */
export const LAB_ANNOTATION = {
  /** Service: the host by which routers lead to it, as a Route of OpenShift says. */
  host: 'tenet.io/lab-host',
  /** Pod: the address that the pod wants, handed to the plugin as `runtimeConfig.ips`. */
  ip: 'tenet.io/lab-ip',
} as const;

export const LAB_LABEL = {
  /** Exactly `false` makes a wired pod unready. */
  ready: 'tenet.io/lab-ready',
} as const;

/** The programs that the lab's kubelet has: it runs no images, only what their names stand for. */
export const IMAGE = {
  answerer: 'tenet.io/answerer',
  router: 'tenet.io/router',
} as const;
