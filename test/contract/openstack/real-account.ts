import { z } from 'zod';
import { at } from './at.ts';
import type { ServiceOrigins } from './openstack-subject.ts';
import { getToken, sendRaw } from './raw-http.ts';
import type { RawAnswer } from './raw-http.ts';

export const Account = z.object({ userName: z.string(), password: z.string(), projectName: z.string() });
export type Account = z.output<typeof Account>;

/** Somebody logged in to a real cloud, to arrange things there. */
export class RealAccount {
  readonly #origins: ServiceOrigins;
  readonly #account: Account;
  #token: string;
  #projectId: string | undefined;

  private constructor(origins: ServiceOrigins, account: Account, token: string) {
    this.#origins = origins;
    this.#account = account;
    this.#token = token;
  }

  /** @throws the cloud does not answer, or refuses the account */
  static async open(origins: ServiceOrigins, account: Account): Promise<RealAccount> {
    return new RealAccount(origins, account, await getToken(origins.identity, account));
  }

  async projectId(): Promise<string> {
    if (this.#projectId !== undefined) return this.#projectId;
    const me = await this.#send('identity', 'GET /v3/auth/tokens?nocatalog', undefined);
    return (this.#projectId = String(at(me.json, 'token', 'project', 'id')));
  }

  /** Sends `DELETE /v2.1/servers/…`. What is not there is as good as done. @throws any other refusal */
  async ask(service: keyof ServiceOrigins, line: string, body?: unknown): Promise<unknown> {
    let answer = await this.#send(service, line, body);
    if (answer.status === 401) {
      this.#token = await getToken(this.#origins.identity, this.#account); // it may live for seconds only
      answer = await this.#send(service, line, body);
    }
    if (answer.status < 300 || answer.status === 404) return answer.json;
    throw new Error(`Cannot prepare the real cloud: ${line} got ${answer.status} ${answer.text}`);
  }

  async #send(service: keyof ServiceOrigins, line: string, body: unknown): Promise<RawAnswer> {
    const [method = 'GET', path = '/'] = line.split(' ');
    return await sendRaw({
      method,
      url: `${this.#origins[service]}${path}`,
      headers: {
        'x-auth-token': this.#token,
        'x-subject-token': this.#token,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
