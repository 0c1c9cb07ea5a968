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
