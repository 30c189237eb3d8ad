import { createHash } from 'node:crypto';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { type Answer, jettyError, jsonAnswer, notFound } from './http-answer.ts';
import type { StandInOptions } from './stand-in-options.ts';

/** What of a request decides whether it is let in. */
export type Visitor = {
  readonly method: string;
  /** With the prefix, as the log-in page wants it. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly header: (name: string) => string | undefined;
  readonly address: string;
};

type Identity = 'anonymous' | 'token' | 'password';

const CRUMB_FIELD = 'Jenkins-Crumb';

/** Authentication, sessions and crumbs. Sessions end with the process: a pair from before a restart is refused. */
export class Gatekeeper {
  readonly #options: StandInOptions;
  readonly #randomness: Randomness;
  readonly #salt: string;
  readonly #sessions = new Set<string>();

  constructor(options: StandInOptions, randomness: Randomness) {
    this.#options = options;
    this.#randomness = randomness;
    this.#salt = randomness.hex(16);
  }

  /** The refusal; undefined: let in. The crumb is looked at before the permission. */
  refuse(visitor: Visitor): Answer | undefined {
    const identity = this.#identify(visitor);
    if (identity === undefined) return this.#wrongPassword(visitor);
    if (visitor.method === 'POST' && this.#options.crumbIssuer && identity !== 'token' && !this.#hasCrumb(visitor)) {
      return jettyError(403, 'No valid crumb was included in the request', visitor.path);
    }
    return identity === 'anonymous' ? forbidden(visitor) : undefined;
  }

  /** GET `crumbIssuer/api/json`. A known session keeps its crumb; any other gets a new one with its cookie. */
  issueCrumb(visitor: Visitor): Answer {
    if (!this.#options.crumbIssuer) return notFound({ target: visitor.path });
    const known = this.#sessionOf(visitor);
    const session = known ?? this.#openSession();
    const issued = {
      _class: 'hudson.security.csrf.DefaultCrumbIssuer',
      crumb: this.#crumbOf(session, visitor),
      crumbRequestField: CRUMB_FIELD,
    };
    const answer = jsonAnswer(issued);
    if (known !== undefined) return answer;
    return { ...answer, headers: { ...answer.headers, 'Set-Cookie': `JSESSIONID=${session}; Path=/; HttpOnly` } };
  }

  /** Undefined: credentials were given and are wrong. */
  #identify(visitor: Visitor): Identity | undefined {
    const encoded = /^Basic (.+)$/i.exec(visitor.header('authorization') ?? '')?.[1];
    if (encoded === undefined) return 'anonymous';
    const [user, secret] = splitOnce(Buffer.from(encoded, 'base64').toString());
    if (user !== this.#options.user) return undefined;
    if (secret === this.#options.apiToken?.reveal()) return 'token';
    return secret === this.#options.password?.reveal() ? 'password' : undefined;
  }

  #wrongPassword(visitor: Visitor): Answer {
    const encoded = visitor.header('authorization')?.slice('Basic '.length) ?? '';
    const [user] = splitOnce(Buffer.from(encoded, 'base64').toString());
    const page = jettyError(401, `Invalid password/token for user: ${user}`, visitor.path);
    return { ...page, headers: { ...page.headers, 'WWW-Authenticate': 'Basic realm="Jenkins"' } };
  }

  #hasCrumb(visitor: Visitor): boolean {
    const session = this.#sessionOf(visitor);
    if (session === undefined) return false;
    const inBody = new URLSearchParams(visitor.body).get(CRUMB_FIELD);
    const given = visitor.header(CRUMB_FIELD.toLowerCase()) ?? visitor.query.get(CRUMB_FIELD) ?? inBody;
    return given === this.#crumbOf(session, visitor);
  }

  #sessionOf(visitor: Visitor): string | undefined {
    const id = /(?:^|;\s*)JSESSIONID=([^;]+)/.exec(visitor.header('cookie') ?? '')?.[1];
    return id !== undefined && this.#sessions.has(id) ? id : undefined;
  }

  #openSession(): string {
    const session = `node0${this.#randomness.hex(16)}.node0`;
    // Jenkins forgets sessions after half an hour; here the oldest goes.
    const [oldest] = this.#sessions;
    if (oldest !== undefined && this.#sessions.size >= 1000) this.#sessions.delete(oldest);
    this.#sessions.add(session);
    return session;
  }

  /** Bound to user, session and the client's address. */
  #crumbOf(session: string, visitor: Visitor): string {
    const address = visitor.header('x-forwarded-for') ?? visitor.address;
    return createHash('sha256').update([this.#options.user, session, address, this.#salt].join(';')).digest('hex');
  }
}

function forbidden(visitor: Visitor): Answer {
  const from = encodeURIComponent(visitor.path);
  const body = `<html><head><meta http-equiv='refresh' content='1;url=/login?from=${from}'/><script>window.location.replace('/login?from=${from}');</script></head><body style='background-color:white; color:white;'>


Authentication required
<!--
You are authenticated as: anonymous
Groups that you are in:
  
Permission you need to have (but didn't): hudson.model.Hudson.Read
 ... which is implied by: hudson.security.Permission.GenericRead
 ... which is implied by: hudson.model.Hudson.Administer
-->

</body></html>
`;
  return {
    status: 403,
    headers: {
      'Content-Type': 'text/html;charset=utf-8',
      'X-Hudson': '1.395',
      'X-Jenkins': '2.263.4',
      'X-You-Are-Authenticated-As': 'anonymous',
      'X-Required-Permission': 'hudson.model.Hudson.Read',
    },
    body,
  };
}

function splitOnce(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}
