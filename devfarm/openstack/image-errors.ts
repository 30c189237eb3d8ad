import type { Answer, ApiFailure, Incoming } from './api-call.ts';
import type { Cloud } from './cloud.ts';
import { challenge } from './identity-service.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const NO_TOKEN =
  'This server could not verify that you are authorized to access the document you requested. Either you supplied the ' +
  'wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.';

/** Glance's errors: text, HTML or JSON, as `Accept` asks; plain text if it asks nothing. */
export function refuseAsGlance(failure: ApiFailure, incoming: Incoming, cloud: Cloud): Answer {
  const title = TITLES[failure.status] ?? 'Error';
  const code = `${failure.status} ${title}`;
  const message = failure.status === 401 ? NO_TOKEN : failure.message;
  const { status } = failure;
  const headers = { ...(status === 401 ? challenge(cloud) : {}), ...(status === 415 ? acceptPatch(incoming) : {}) };
  const accept = incoming.headers.accept ?? '';
  // The tags stay in the JSON too: one template serves all three.
  const marked = `${message}<br /><br />\n\n\n`;
  if (/text\/html|\*\/\*/.test(accept)) {
    const page = `<html>\n <head>\n  <title>${code}</title>\n </head>\n <body>\n  <h1>${code}</h1>\n  ${marked}\n </body>\n</html>`;
    return { status, text: page, headers: { ...headers, 'content-type': 'text/html; charset=UTF-8' } };
  }
  if (accept.includes('application/json')) return { status, body: { message: marked, code, title }, headers };
  const text = `${code}\n\n${message}\n\n   `;
  return { status, text, headers: { ...headers, 'content-type': 'text/plain; charset=UTF-8' } };
}

function acceptPatch({ method }: Incoming): Readonly<Record<string, string>> {
  if (method !== 'PATCH') return {};
  const types = ['v2.0', 'v2.1'].map((version) => `application/openstack-images-${version}-json-patch`);
  return { 'accept-patch': types.join(', ') };
}
