/**
 * The compute API version we ask for. The lowest that every cloud since 2015 has: networks may be left out (until 2.36),
 * floating addresses go through Nova where there is no Neutron (until 2.35), and a flavor keeps its id (until 2.46).
 */
export const DEFAULT_MICROVERSION = '2.1';

/** Both spellings: old clouds know the first one only, and with both the second one wins. */
export function microversionHeaders(version: string): Readonly<Record<string, string>> {
  return { 'x-openstack-nova-api-version': version, 'openstack-api-version': `compute ${version}` };
}
