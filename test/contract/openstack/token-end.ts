import { at } from './at.ts';
import type { OpenStackSubject } from './openstack-subject.ts';
import { getToken, sendRaw } from './raw-http.ts';

/** Longer, nobody waits for. */
const MOST_MS = 60_000;

/**
 * Lets time pass until every token that was given before has ended.
 * @throws tokens live so long here that no test can wait for it
 */
export async function awaitTokenEnd(subject: OpenStackSubject): Promise<void> {
  const lifeMs = await tokenLifeMs(subject);
  if (subject.kind === 'real' && lifeMs > MOST_MS) {
    throw new Error(
      `Cannot wait for the end of a token: it lives ${lifeMs / 1000} s (restart Keystone with OSC_TOKEN_TTL=20)`,
    );
  }
  await subject.pass(lifeMs + 1000);
}

async function tokenLifeMs(subject: OpenStackSubject): Promise<number> {
  const { identity } = subject.origins;
  const token = await getToken(identity, subject);
  const headers = { 'x-auth-token': token, 'x-subject-token': token };
  const { json } = await sendRaw({ method: 'GET', url: `${identity}/v3/auth/tokens?nocatalog`, headers });
  const instant = (key: string): number => Date.parse(String(at(json, 'token', key)));
  return instant('expires_at') - instant('issued_at');
}
