/**
 * The Kubernetes objects that Tenet reads or writes, as they are on the wire, with the fields that it uses and no
 * others. Field names are the API's own.
 */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generateName?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

export interface NodeObject extends KubeObject {
  readonly spec?: { readonly podCIDR?: string; readonly unschedulable?: boolean };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

export interface NamespaceObject extends KubeObject {
  readonly status?: { readonly phase?: string };
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface PodObject extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    /** How long it may answer once it is to go; 30 when absent. */
    readonly terminationGracePeriodSeconds?: number;
    readonly containers: readonly {
      readonly name: string;
      readonly image?: string;
      readonly ports?: readonly ContainerPort[];
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly hostIP?: string;
    readonly message?: string;
    readonly reason?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

/** core/v1 Service. */
export interface ServiceObject extends KubeObject {
  readonly spec: {
    /** ClusterIP when absent. */
    readonly type?: string;
    readonly selector?: Readonly<Record<string, string>>;
    /** `None` for a headless service. */
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ports?: readonly {
      readonly name?: string;
      readonly protocol?: string;
      readonly port: number;
      readonly targetPort?: number | string;
      readonly nodePort?: number;
    }[];
    readonly externalName?: string;
    readonly externalIPs?: readonly string[];
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly externalTrafficPolicy?: string;
    readonly internalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
    readonly publishNotReadyAddresses?: boolean;
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
    readonly trafficDistribution?: string;
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: string }[];
    };
  };
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSliceObject extends KubeObject {
  /** IPv4, IPv6 or FQDN. */
  readonly addressType: string;
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
        readonly nodeName?: string;
        readonly zone?: string;
        readonly hints?: {
          readonly forZones?: readonly { readonly name: string }[];
          readonly forNodes?: readonly { readonly name: string }[];
        };
        readonly targetRef?: {
          readonly kind?: string;
          readonly namespace?: string;
          readonly name?: string;
          readonly uid?: string;
        };
      }[]
    | null;
  readonly ports?:
    | readonly { readonly name?: string | null; readonly protocol?: string; readonly port?: number | null }[]
    | null;
}

/** network.openshift.io/v1; the one that is read is named `default`. */
export interface ClusterNetworkObject extends KubeObject {
  readonly network?: string;
  readonly hostsubnetlength?: number;
  readonly serviceNetwork: string;
  readonly pluginName?: string;
  readonly clusterNetworks?: readonly { readonly CIDR: string; readonly hostSubnetLength: number }[];
  readonly vxlanPort?: number;
  readonly mtu?: number;
}

export interface HostSubnetObject extends KubeObject {
  readonly host: string;
  readonly hostIP: string;
  readonly subnet: string;
  readonly egressIPs?: readonly string[];
  readonly egressCIDRs?: readonly string[];
}

export interface NetNamespaceObject extends KubeObject {
  readonly netname: string;
  readonly netid: number;
  readonly egressIPs?: readonly string[];
}

/** core/v1 Event, as `kubectl describe` shows it under an object. */
export interface EventObject extends KubeObject {
  readonly involvedObject: {
    readonly apiVersion?: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly source?: { readonly component: string };
}
