import { Ip, Prefix } from '@tenet/std';
import type { FieldProblems } from '../field-problems.ts';
import { hasHealthCheck, isExternallyAccessible, mayHaveNodePorts } from './default-service.ts';
import type { ServicePortSpec, ServiceSpec } from './service-spec.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const MAX_AFFINITY_SECONDS = 86_400;

/** RFC 1123 §2.1: a name without dots. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** RFC 6335 §5.1: at most 15 characters, a letter among them, no hyphen at an end or beside another. */
const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;

/** Says what kube-apiserver would refuse in a spec whose defaults are set. What is taken already is said elsewhere. */
export function validateService(spec: ServiceSpec, problems: FieldProblems): void {
  const { type = '', sessionAffinity = '', clusterIP, externalName, trafficDistribution } = spec;
  if (!TYPES.includes(type)) problems.unsupported('spec.type', type, TYPES);
  if (!['ClientIP', 'None'].includes(sessionAffinity))
    problems.unsupported('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (sessionAffinity === 'ClientIP' && !isWhole(seconds, 1, MAX_AFFINITY_SECONDS)) {
    const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
    problems.invalid(field, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`);
  }
  if (type === 'ExternalName') {
    if (!externalName) problems.required('spec.externalName');
    if (clusterIP) problems.forbidden('spec.clusterIPs', 'may not be set when `type` is ExternalName');
  }
  if (clusterIP === 'None' && mayHaveNodePorts(spec))
    problems.invalid('spec.clusterIPs[0]', clusterIP, `may not be set to 'None' for ${type} services`);
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution))
    problems.unsupported('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS);
  validatePolicies(spec, problems);
  validateAddresses(spec, problems);
  validatePorts(spec, problems);
}

function validatePolicies(spec: ServiceSpec, problems: FieldProblems): void {
  const { internalTrafficPolicy: internal, externalTrafficPolicy: external, healthCheckNodePort } = spec;
  if (internal !== undefined && !POLICIES.includes(internal))
    problems.unsupported('spec.internalTrafficPolicy', internal, POLICIES);
  if (external !== undefined && !isExternallyAccessible(spec))
    problems.invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services');
  else if (external !== undefined && !POLICIES.includes(external))
    problems.unsupported('spec.externalTrafficPolicy', external, POLICIES);
  if (healthCheckNodePort !== undefined && healthCheckNodePort !== 0 && !hasHealthCheck(spec)) {
    const when = "`type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    problems.invalid('spec.healthCheckNodePort', healthCheckNodePort, `may only be set when ${when}`);
  }
}

function validateAddresses(
  { type, externalIPs = [], loadBalancerSourceRanges = [] }: ServiceSpec,
  problems: FieldProblems,
) {
  for (const [at, text] of externalIPs.entries()) {
    const field = `spec.externalIPs[${at}]`;
    const ip = parsed(() => Ip.parse(text));
    if (ip === undefined) problems.invalid(field, text, 'must be a valid IP address');
    else if (SPECIAL.some((range) => range.contains(ip)))
      problems.invalid(field, text, 'may not be unspecified, loopback, link-local or multicast');
  }
  if (loadBalancerSourceRanges.length > 0 && type !== 'LoadBalancer')
    problems.forbidden('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'");
  for (const [at, text] of loadBalancerSourceRanges.entries()) {
    if (parsed(() => Prefix.parseLoose(text.trim())) === undefined)
      problems.invalid(`spec.loadBalancerSourceRanges[${at}]`, text, 'must be a valid CIDR value');
  }
}

/** Addresses that no packet from outside can have as its destination. */
const SPECIAL = ['0.0.0.0/32', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '::/127', 'fe80::/10', 'ff00::/8'].map(
  (text) => Prefix.parse(text),
);

function validatePorts(spec: ServiceSpec, problems: FieldProblems): void {
  const { ports = [], type, clusterIP } = spec;
  if (ports.length === 0 && type !== 'ExternalName' && clusterIP !== 'None') problems.required('spec.ports');
  const names = new Set<string>();
  const pairs = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [at, port] of ports.entries()) {
    const field = `spec.ports[${at}]`;
    validatePort(port, field, problems);
    const { name = '', protocol, port: number, nodePort = 0 } = port;
    if (name === '' && ports.length > 1) problems.required(`${field}.name`);
    if (name !== '' && names.has(name)) problems.duplicate(`${field}.name`, name);
    names.add(name);
    if (pairs.has(`${protocol} ${number}`)) problems.duplicate(field, { protocol, port: number });
    pairs.add(`${protocol} ${number}`);
    if (nodePort === 0) continue;
    if (!mayHaveNodePorts(spec)) problems.forbidden(`${field}.nodePort`, `may not be used when \`type\` is '${type}'`);
    if (nodePorts.has(`${protocol} ${nodePort}`)) problems.duplicate(`${field}.nodePort`, nodePort);
    nodePorts.add(`${protocol} ${nodePort}`);
  }
}

function validatePort(
  { name = '', protocol = '', port, targetPort }: ServicePortSpec,
  field: string,
  problems: FieldProblems,
) {
  const range = 'must be between 1 and 65535, inclusive';
  if (name !== '' && !LABEL.test(name))
    problems.invalid(
      `${field}.name`,
      name,
      'a lowercase RFC 1123 label must consist of at most 63 lower case alphanumeric characters or -',
    );
  if (!isWhole(port, 1, 65_535)) problems.invalid(`${field}.port`, port, range);
  if (!PROTOCOLS.includes(protocol)) problems.unsupported(`${field}.protocol`, protocol, PROTOCOLS);
  if (typeof targetPort === 'number' && targetPort !== port && !isWhole(targetPort, 1, 65_535))
    problems.invalid(`${field}.targetPort`, targetPort, range);
  if (typeof targetPort === 'string' && !PORT_NAME.test(targetPort))
    problems.invalid(`${field}.targetPort`, targetPort, 'must be a port number or the name of one (RFC 6335)');
}

function isWhole(value: number | undefined, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
