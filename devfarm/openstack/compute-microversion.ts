import type { IncomingHttpHeaders } from 'node:http';
import { ApiFailure } from './api-call.ts';

const NEWEST_MINOR = 93;
export const NEWEST_MICROVERSION = `2.${NEWEST_MINOR}`;

/** Headers that name the version used. */
export function microversionHeaders(version: string): Readonly<Record<string, string>> {
  return { 'openstack-api-version': `compute ${version}`, 'x-openstack-nova-api-version': version };
}

/**
 * The version that a request asks for, as text: `2.60`; without a header `2.1`. Not checked against what there is.
 * @throws {ApiFailure} 400: not a version
 */
export function requestedMicroversion(headers: IncomingHttpHeaders): string {
  const wanted = namedInStandardHeader(headers) ?? String(headers['x-openstack-nova-api-version'] ?? '2.1');
  if (wanted === 'latest') return NEWEST_MICROVERSION;
  if (!/^\d+\.\d+$/.test(wanted)) {
    throw new ApiFailure(
      400,
      `API Version String ${wanted} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  }
  return wanted;
}

/**
 * The x of 2.x.
 * @throws {ApiFailure} 406: there is no such version
 */
export function supportedMinor(version: string): number {
  const [major, minor] = version.split('.').map(Number);
  if (major !== 2 || minor === undefined || minor < 1 || minor > NEWEST_MINOR) {
    const range = `Minimum is 2.1 and maximum is ${NEWEST_MICROVERSION}.`;
    throw new ApiFailure(406, `Version ${version} is not supported by the API. ${range}`);
  }
  return minor;
}

/** `compute 2.60`; the header may name several services, and those of others are none of our business. */
function namedInStandardHeader(headers: IncomingHttpHeaders): string | undefined {
  const header = String(headers['openstack-api-version'] ?? '');
  for (const part of header.split(',')) {
    const [service, version] = part.trim().split(/\s+/);
    if (service === 'compute' && version !== undefined) return version;
  }
  return undefined;
}
