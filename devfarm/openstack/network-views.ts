import type { FloatingIpRecord, NetworkRecord, PortRecord, SecurityGroupRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { apiTime } from './openstack-times.ts';
import { freeAddress, routerIdOf } from './port-book.ts';
import { stableUuid } from './stable-ids.ts';

export type View = Readonly<Record<string, unknown>>;

export function networkView(network: NetworkRecord): View {
  return {
    id: network.id,
    name: network.name,
    tenant_id: network.projectId,
    admin_state_up: true,
    mtu: 1500,
    status: 'ACTIVE',
    subnets: [network.subnetId],
    shared: network.isShared,
    availability_zone_hints: [],
    availability_zones: [],
    ipv4_address_scope: null,
    ipv6_address_scope: null,
    'router:external': network.isExternal,
    description: '',
    port_security_enabled: true,
    ...(network.isExternal ? { is_default: false } : {}),
    tags: [],
    ...standardFields(network.createdAt, network.createdAt, 2),
    project_id: network.projectId,
  };
}

export function subnetView(network: NetworkRecord): View {
  return {
    id: network.subnetId,
    name: `${network.name}-subnet`,
    tenant_id: network.projectId,
    network_id: network.id,
    ip_version: 4,
    subnetpool_id: null,
    enable_dhcp: false,
    ipv6_ra_mode: null,
    ipv6_address_mode: null,
    gateway_ip: freeAddress(network, 1, new Set()),
    cidr: network.cidr,
    allocation_pools: [{ start: freeAddress(network, 2, new Set()), end: freeAddress(network, 250, new Set()) }],
    host_routes: [],
    dns_nameservers: [],
    description: '',
    service_types: [],
    tags: [],
    ...standardFields(network.createdAt, network.createdAt, 0),
    project_id: network.projectId,
  };
}

export function routerView(network: NetworkRecord, external: NetworkRecord | undefined): View {
  const outside =
    external === undefined
      ? null
      : {
          network_id: external.id,
          external_fixed_ips: [{ subnet_id: external.subnetId, ip_address: freeAddress(external, 3, new Set()) }],
          enable_snat: true,
        };
  return {
    id: routerIdOf(network),
    name: 'router',
    tenant_id: network.projectId,
    admin_state_up: true,
    status: 'ACTIVE',
    external_gateway_info: outside,
    description: '',
    availability_zones: [],
    availability_zone_hints: [],
    routes: [],
    flavor_id: null,
    tags: [],
    ...standardFields(network.createdAt, network.createdAt, 4),
    project_id: network.projectId,
  };
}

export function portView(port: PortRecord, cloud: Cloud): View {
  const network = cloud.networks.find(({ id }) => id === port.networkId);
  const isRouters = port.deviceOwner.startsWith('network:');
  return {
    id: port.id,
    name: port.name,
    network_id: port.networkId,
    tenant_id: port.projectId,
    mac_address: port.mac,
    admin_state_up: true,
    status: port.deviceId === '' || port.isLeft === true || isRouters ? 'DOWN' : 'ACTIVE',
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    fixed_ips: [{ subnet_id: network?.subnetId, ip_address: port.address }],
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    security_groups: port.securityGroupIds,
    description: '',
    'binding:vnic_type': 'normal',
    port_security_enabled: !isRouters,
    tags: [],
    ...standardFields(port.createdAt, port.updatedAt, port.revision),
    project_id: port.projectId,
  };
}

export function floatingIpView(floating: FloatingIpRecord, cloud: Cloud): View {
  const port = floating.portId === null ? undefined : cloud.ports.find(floating.portId);
  const network = cloud.networks.find(({ id }) => id === port?.networkId);
  return {
    id: floating.id,
    tenant_id: floating.projectId,
    floating_ip_address: floating.address,
    floating_network_id: floating.networkId,
    router_id: network === undefined ? null : routerIdOf(network),
    port_id: floating.portId,
    fixed_ip_address: port?.address ?? null,
    status: port === undefined ? 'DOWN' : 'ACTIVE',
    description: floating.description,
    port_details: port === undefined ? null : portDetails(port),
    tags: [],
    ...standardFields(floating.createdAt, floating.updatedAt, floating.revision),
    project_id: floating.projectId,
  };
}

export function securityGroupView(group: SecurityGroupRecord): View {
  const { id, name, description, projectId, createdAt } = group;
  const versions = ['IPv4', 'IPv6'];
  return {
    id,
    name,
    stateful: true,
    tenant_id: projectId,
    description,
    shared: false,
    security_group_rules: versions.map((version) => ruleView(group, version)),
    tags: [],
    ...standardFields(createdAt, createdAt, 1),
    project_id: projectId,
  };
}

function ruleView(group: SecurityGroupRecord, ethertype: string): View {
  return {
    id: stableUuid('rule', `${group.id} ${ethertype} egress`),
    tenant_id: group.projectId,
    security_group_id: group.id,
    ethertype,
    direction: 'egress',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_address_group_id: null,
    normalized_cidr: null,
    remote_group_id: null,
    standard_attr_id: 1,
    description: null,
    tags: [],
    ...standardFields(group.createdAt, group.createdAt, 0),
    project_id: group.projectId,
  };
}

function portDetails(port: PortRecord): View {
  return {
    name: port.name,
    network_id: port.networkId,
    mac_address: port.mac,
    admin_state_up: true,
    status: port.deviceId === '' ? 'DOWN' : 'ACTIVE',
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
  };
}

function standardFields(createdAt: number, updatedAt: number, revision: number): View {
  return { created_at: apiTime(createdAt), updated_at: apiTime(updatedAt), revision_number: revision };
}
