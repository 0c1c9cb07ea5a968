/** Chains of services as kube-proxy lays them out; a kubelet's own (KUBE-FIREWALL, KUBE-MARK-DROP, …) are not among them. */
const SERVICE_CHAIN =
  /^KUBE-(?:(?:SVC|SEP|EXT|SVL|FW|XLB)-|(?:SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL|PORTALS|POSTROUTING|FORWARD|MARK-MASQ)$)/;

/** Whether a chain holds rules of services, whoever made it: there are tens of thousands where there are many services. */
export function isServiceChain(chain: string): boolean {
  return SERVICE_CHAIN.test(chain);
}
