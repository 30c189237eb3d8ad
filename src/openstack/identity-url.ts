import { RequestRefusedError, TransientProviderError } from '../provider/errors.ts';
import type { HttpConnections } from './http-connections.ts';
import { isRecord } from './parse-body.ts';

/**
 * The base of Keystone's v3 API for an auth URL as people write it: ending in `/v3`, in `/v2.0`, or without a version.
 * @throws {RequestRefusedError} there is no v3, or no usable URL
 */
export async function findIdentityUrl(
  authUrl: string | undefined,
  http: HttpConnections,
  signal: AbortSignal,
): Promise<string> {
  const bare = parseAuthUrl(authUrl);
  if (bare.endsWith('/v3')) return bare;
  const root = bare.replace(/\/v2(\.0)?$/, '');
  const answer = await http.send({ method: 'GET', url: new URL(`${root}/`), headers: {} }, signal);
  if (answer.status >= 500 || answer.status === 429) {
    throw new TransientProviderError(`Keystone at "${root}/" got status ${answer.status}`);
  }
  const versions = versionsOf(answer.json);
  if (versions.length > 0 && !versions.some((version) => version.startsWith('v3'))) {
    throw new RequestRefusedError(
      `Cannot log in at "${authUrl ?? ''}": it offers Identity ${versions.join(', ')} only, and v3 is needed`,
    );
  }
  // Not the link of the document: behind proxies it often names an inner host.
  return `${root}/v3`;
}

function parseAuthUrl(authUrl: string | undefined): string {
  if (authUrl === undefined) throw new RequestRefusedError('Cannot log in: no auth URL is configured');
  if (!/^https?:$/.test(protocolOf(authUrl))) throw new RequestRefusedError(`Cannot log in: "${authUrl}" is no URL`);
  return authUrl.replace(/(\/auth\/tokens)?\/*$/, '');
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return ''; // the caller says so
  }
}

/** `versions.values[]` of Keystone's 300, `versions[]` of some proxies. Empty: this is no version document. */
function versionsOf(json: unknown): readonly string[] {
  const versions = isRecord(json) ? json['versions'] : undefined;
  const list: unknown = isRecord(versions) ? versions['values'] : versions;
  if (!Array.isArray(list)) return [];
  return list.map((version: unknown) => (isRecord(version) ? String(version['id']) : '')).filter((id) => id !== '');
}
