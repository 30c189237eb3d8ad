import type { ShippedValue } from './cloud-map.ts';

/** Vendor profiles as os-client-config 1.26 shipped them, as far as nodes and images are concerned. */
export const VENDOR_PROFILES: ReadonlyMap<string, Readonly<Record<string, ShippedValue>>> = new Map([
  [
    'rackspace',
    {
      auth: { auth_url: 'https://identity.api.rackspacecloud.com/v2.0/' },
      regions: ['DFW', 'HKG', 'IAD', 'ORD', 'SYD', 'LON'],
      compute_service_name: 'cloudServersOpenStack',
      image_api_use_tasks: true,
      image_format: 'vhd',
      floating_ip_source: 'None',
      has_network: false,
    },
  ],
  [
    'ovh',
    {
      auth: { auth_url: 'https://auth.cloud.ovh.net/' },
      regions: ['BHS1', 'GRA1', 'SBG1'],
      identity_api_version: '3',
      image_format: 'raw',
      floating_ip_source: 'None',
    },
  ],
  [
    'vexxhost',
    {
      auth: { auth_url: 'https://auth.vexxhost.net' },
      regions: ['ca-ymq-1'],
      identity_api_version: '3',
      floating_ip_source: 'None',
    },
  ],
  [
    'internap',
    {
      auth: { auth_url: 'https://identity.api.cloud.iweb.com' },
      regions: ['ams01', 'da01', 'nyj01', 'sin01', 'sjc01'],
      identity_api_version: '3',
      floating_ip_source: 'None',
    },
  ],
  ['bluebox', { region_name: 'RegionOne' }],
  [
    'citycloud',
    {
      auth: { auth_url: 'https://identity1.citycloud.com:5000/v3/' },
      regions: ['Buf1', 'La1', 'Fra1', 'Lon1', 'Sto2', 'Kna1'],
      identity_api_version: '3',
    },
  ],
  ['osic', { auth: { auth_url: 'https://cloud1.osic.org:5000' }, regions: ['RegionOne'] }],
  [
    'datacentred',
    { auth: { auth_url: 'https://compute.datacentred.io:5000' }, region_name: 'sal01', identity_api_version: '2' },
  ],
]);
