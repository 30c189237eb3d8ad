import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import { ImageSection } from './image-section.ts';
import { NetworkSection } from './network-section.ts';
import {
  count,
  deadline,
  flag,
  listOf,
  name,
  port,
  rejected,
  seconds,
  secretText,
  text,
  toMs,
  whole,
  withoutEffect,
} from './schema/fields.ts';
import { template } from './template-field.ts';

const LATER = 'it is read by nodepool 3 only';

/** Where and how to log in. Read again by `resolveCloud`, which lays these keys over clouds.yaml. */
const CLOUD_KEYS = {
  cloud: text(
    'Entry of clouds.yaml. Absent: `$OS_CLOUD`, else the cloud of the `OS_*` variables, else the keys here alone.',
  ).optional(),
  username: text('Account in the cloud; wins over clouds.yaml, like all keys of this group.').optional(),
  password: secretText('Password of that account.').optional(),
  'auth-url': text('Address of Keystone.').optional(),
  'project-id': text('Project (tenant), by id.').optional(),
  'project-name': text('Project (tenant), by name.').optional(),
  'project-domain-id': text('Domain of the project, by id (Keystone v3).').optional(),
  'project-domain-name': text('Domain of the project, by name (Keystone v3).').optional(),
  'user-domain-id': text('Domain of the account, by id (Keystone v3).').optional(),
  'user-domain-name': text('Domain of the account, by name (Keystone v3).').optional(),
  'region-name': text('Region. Absent: the first one of the cloud.').optional(),
  'service-type': text('Type of the compute service in the catalogue.').optional(),
  'service-name': text('Name of the compute service in the catalogue.').optional(),
};

const LIMIT_KEYS = {
  'max-servers': whole('Most nodes and subnodes at once. 0 or less: drain, launch nothing.', 'servers'),
  rate: seconds('Least time between two API calls. 0.001 means "no limit".').default(1),
  'api-timeout': deadline('Longest time for one API call. Absent: that of clouds.yaml, else 60.').optional(),
  'boot-timeout': deadline('From ACTIVE until SSH answers.').default(60),
  'launch-timeout': deadline('From the create call until ACTIVE.').default(3600),
  'launch-retries': count('Attempts before a launch is given up.').default(3),
  'max-concurrency': whole(
    'Most launches under way at once, in each daemon; the others wait for their turn. 0 or less: no limit.',
    'launches',
  ).default(0),
  'max-cores': whole(
    'Most cores that the nodes have together, by their flavors. 0 or less: launch nothing.',
    'cores',
  ).optional(),
  'max-ram': whole(
    'Most memory that the nodes have together, by their flavors. 0 or less: launch nothing.',
    'MiB',
  ).optional(),
};

const SERVER_KEYS = {
  keypair: text('Nova keypair for snapshot builds. Absent: a temporary one for each build.').optional(),
  networks: listOf(NetworkSection, 'Networks of each server, in this order.').default([]),
  pool: text('Network from which floating IPs are taken.').optional(),
  'ipv6-preferred': flag('Whether nodes are reached by IPv6 where they have it.').default(false),
  'clean-floating-ips': flag(
    'Whether unattached floating IPs are deleted: only if nobody else uses the project.',
  ).default(false),
  'availability-zones': listOf(name('Name of a zone.'), 'One is picked for each node at random.').default([]),
  'template-hostname': template('template-hostname', 'Name of build servers, snapshots and uploaded images.').default(
    'template-{image.name}-{timestamp}',
  ),
  'image-type': text(
    'Disk format to build and upload. Absent: `image_format` of clouds.yaml, else `qcow2`.',
  ).optional(),
  'nodepool-id': name('Mark of this installation: only objects that bear it are cleaned up.').optional(),
  'security-groups': z
    .array(name('Name of a security group.'))
    .meta({ description: 'Security groups of each server; a text stands for a list of one.', oneOrMany: true })
    .default([]),
  'ssh-port': port('Port of the SSH servers of nodes and build servers.').default(22),
};

const LATER_KEYS = {
  pools: rejected(
    'Key "pools" is of nodepool 3: put "max-servers", "networks" and "availability-zones" into the provider, describe the labels\' "diskimage", "min-ram" and "key-name" as "images" of the provider, and name the provider under "providers" of each label',
  ),
  diskimages: withoutEffect('nodepool 3 reads it; write "images" with "diskimage"'),
  'cloud-images': withoutEffect('nodepool 3 reads it; write "images" with "base-image" and "setup"'),
  driver: withoutEffect(LATER),
  'host-key-checking': withoutEffect(LATER),
  'hostname-format': withoutEffect('nodepool 3 reads it; write "hostname" into the target'),
  'image-name-format': withoutEffect('nodepool 3 reads it; write "template-hostname"'),
};

/** An entry of `providers`, before its cloud is known. */
export const ProviderSection = z
  .object({
    name: name('Name of the provider.'),
    ...CLOUD_KEYS,
    ...LIMIT_KEYS,
    ...SERVER_KEYS,
    images: listOf(ImageSection, 'Images that this provider can launch.'),
    ...LATER_KEYS,
  })
  .transform((yaml) => ({
    ...definedOnly({
      name: yaml.name,
      maxServers: yaml['max-servers'],
      maxCores: yaml['max-cores'],
      maxRamMib: yaml['max-ram'],
      minRequestGapMs: toMs(yaml.rate),
      bootTimeoutMs: toMs(yaml['boot-timeout']),
      launchTimeoutMs: toMs(yaml['launch-timeout']),
      launchRetries: yaml['launch-retries'],
      maxConcurrency: Math.max(0, yaml['max-concurrency']),
      keypair: yaml.keypair,
      networks: yaml.networks,
      pool: yaml.pool,
      ipv6Preferred: yaml['ipv6-preferred'],
      cleanFloatingIps: yaml['clean-floating-ips'],
      availabilityZones: yaml['availability-zones'],
      templateHostname: yaml['template-hostname'],
      nodepoolId: yaml['nodepool-id'],
      securityGroups: yaml['security-groups'],
      sshPort: yaml['ssh-port'],
      images: yaml.images,
    }),
    apiTimeoutMs: yaml['api-timeout'] === undefined ? undefined : toMs(yaml['api-timeout']),
    imageType: yaml['image-type'],
  }));

/** A provider before its cloud and its images' disk images are known. */
export type ParsedProvider = z.output<typeof ProviderSection>;

/** Keys that nodepool 3 only has: a provider with these and without `max-servers` and `images` is written for it. */
export const LATER_PROVIDER_KEYS: readonly string[] = Object.keys(LATER_KEYS);
