import { request } from 'undici';

export type RawRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
};

export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body if it is JSON. */
  readonly json: unknown;
};

/** Sends exactly these headers: `fetch` would add an `Accept`, on which Glance's errors depend. */
export async function sendRaw({ method, url, headers = {}, body }: RawRequest): Promise<RawAnswer> {
  const answer = await request(url, {
    method: method as 'GET', // undici lists the methods it knows; these are all common ones
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? Buffer.from(body) : (body as Buffer) }),
  });
  const text = await answer.body.text();
  const pairs = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return { status: answer.statusCode, headers: Object.fromEntries(pairs), text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON
  }
}

/** A token of the subject's project. */
export async function getToken(
  identity: string,
  account: { readonly userName: string; readonly password: string; readonly projectName: string },
): Promise<string> {
  const domain = { id: 'default' };
  const user = { name: account.userName, password: account.password, domain };
  const auth = {
    identity: { methods: ['password'], password: { user } },
    scope: { project: { name: account.projectName, domain } },
  };
  const answer = await sendRaw({
    method: 'POST',
    url: `${identity}/v3/auth/tokens`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const token = answer.headers['x-subject-token'];
  if (token === undefined) throw new Error(`Cannot get a token: ${answer.status} ${answer.text}`);
  return token;
}
