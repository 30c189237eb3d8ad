import * as z from 'zod';
import { name, secretText, spelled } from '../schema/fields.ts';

const NetworkEntry = z.object({
  name: spelled('Name of the network.'),
  routes_externally: looseFlag('Whether the world can be reached through it.').default(false),
  nat_destination: looseFlag('Whether floating IPs point into it.').default(false),
  nat_source: looseFlag('Whether floating IPs are taken from it.').default(false),
  default_interface: looseFlag("Whether its address is the node's.").default(false),
});

/** `auth` of a cloud; the older names of its keys are already replaced. */
const AuthSection = z.object({
  auth_url: spelled('Address of Keystone.').optional(),
  username: spelled('Account, by name.').optional(),
  user_id: spelled('Account, by id.').optional(),
  password: secret('Password of the account.'),
  token: secret('Token instead of a password.'),
  project_id: spelled('Project, by id (older: `tenant_id`).').optional(),
  project_name: spelled('Project, by name (older: `tenant_name`).').optional(),
  user_domain_id: spelled('Domain of the account, by id.').optional(),
  user_domain_name: spelled('Domain of the account, by name.').optional(),
  project_domain_id: spelled('Domain of the project, by id.').optional(),
  project_domain_name: spelled('Domain of the project, by name.').optional(),
  application_credential_id: spelled('Application credential, by id.').optional(),
  application_credential_name: spelled('Application credential, by name.').optional(),
  application_credential_secret: secret('Secret of the application credential.'),
});

/** A cloud with profile, region and provider laid over one another. Other programs' keys in it are none of our business. */
export const CloudSection = z.object({
  auth: AuthSection.prefault({}),
  auth_type: spelled('How to log in: `password`, `token` or `v3applicationcredential`.').default('password'),
  identity_api_version: spelled('Version of Keystone; absent: discovered.').optional(),
  region_name: spelled('Region.').optional(),
  interface: spelled('Endpoints to use: `public`, `internal` or `admin`.').default('public'),
  verify: looseFlag('Whether the certificate is checked.').default(true),
  insecure: looseFlag('The opposite of `verify`.').default(false),
  cacert: spelled('File with the certificate authorities.').optional(),
  cert: spelled('File with a client certificate.').optional(),
  key: spelled('File with its key.').optional(),
  image_format: name('Disk format for uploads.').default('qcow2'),
  image_api_use_tasks: looseFlag('Whether images are imported by tasks.').default(false),
  api_timeout: z
    .number()
    .min(0)
    .meta({ description: 'Longest time for one API call.', unit: 'seconds', spelled: true })
    .optional(),
  floating_ip_source: spelled('Who gives floating IPs: `neutron`, `nova` or `None`.').optional(),
  has_network: looseFlag('Whether there is a network service.').default(true),
  networks: z.array(NetworkEntry).optional(),
  external_network: spelled('Older: name of the network that routes externally.').optional(),
  internal_network: spelled('Older: name of the network for floating IPs to point into.').optional(),
  private: looseFlag("Whether the private address is the node's address.").default(false),
  force_ipv4: looseFlag('Whether IPv6 is left alone.').optional(),
});

export type ParsedCloud = z.output<typeof CloudSection>;

/** Environment variables are texts, and os-client-config takes "True" for true. */
function looseFlag(description: string) {
  return z.boolean().meta({ description, spelled: true });
}

function secret(description: string) {
  return secretText(description).meta({ description, secret: true, spelled: true }).optional();
}
