import { at } from './at.ts';
import { sendRaw } from './raw-http.ts';
import type { RawAnswer } from './raw-http.ts';
import type { ServiceOrigins } from './openstack-subject.ts';
import type { Exchange } from './transcript.ts';
import type { Tenant } from './tenant.ts';
import { differences, translate } from './transcript-match.ts';
import type { IdBook } from './transcript-match.ts';

const PORTS: Readonly<Record<keyof ServiceOrigins, number>> = {
  identity: 5000,
  compute: 8774,
  image: 9292,
  network: 9696,
};
/** How often and how long a state is waited for. */
const POLLS = 400;
const POLL_MS = 20;

/** Facts of the recorded cloud that every transcript uses. */
const RECORDED = {
  project: 'a698080302fb4b509d3fe0b7edba3f3b',
  user: '5a8f54322ab74096815b00c5e24272f2',
  baseImage: '21008f49-e8aa-4f6f-9f10-613ce2764531',
  privateNetwork: '79801d34-aee0-4e88-80db-c9e4ae23075c',
  publicNetwork: '3b298301-cc5a-4a4f-9a3b-bece6067cf06',
};

/** Sends recorded requests to another cloud and compares its answers with the recorded ones. */
export class TranscriptReplay {
  readonly tenant: Tenant;
  readonly ids: IdBook = new Map();
  readonly #lastBodies = new Map<string, Record<string, unknown>>();

  constructor(tenant: Tenant) {
    this.tenant = tenant;
    for (const [service, port] of Object.entries(PORTS)) {
      this.ids.set(`http://<HOST>:${port}`, tenant.subject.origins[service as keyof ServiceOrigins]);
    }
    for (const [name, recorded] of Object.entries(RECORDED)) {
      this.ids.set(recorded, tenant.ids[name as keyof typeof RECORDED]);
    }
  }

  /** Makes an ACTIVE server that stands for a recorded one. */
  async makeServer(recordedId: string, name: string): Promise<string> {
    const id = await this.tenant.createServer(name);
    this.ids.set(recordedId, id);
    const server = await this.tenant.awaitStatus(id, 'ACTIVE');
    this.#lastBodies.set(`/v2.1/servers/${recordedId}`, { server });
    return id;
  }

  /** What differs from the recorded answer. A GET is repeated until the state is the recorded one. */
  async play(exchange: Exchange, sendsToken: 'always' | 'as-shown'): Promise<string[]> {
    const expected = this.#expectedBody(exchange);
    for (let poll = 0; ; poll += 1) {
      const answer = await this.#send(exchange, sendsToken);
      const isReached = answer.status === exchange.status && sameState(expected, answer.json);
      if (isReached || exchange.method !== 'GET' || poll === POLLS) return this.#judge(exchange, expected, answer);
      await this.tenant.subject.pass(POLL_MS);
    }
  }

  #judge(exchange: Exchange, expected: unknown, answer: RawAnswer): string[] {
    const found: string[] = [];
    this.#learnLocation(exchange, answer);
    if (expected === undefined) this.#learnFirstId(exchange, answer);
    if (answer.status !== exchange.status)
      found.push(`status: ${exchange.status} was recorded, but got ${answer.status} ${answer.text}`);
    for (const name of ['content-type', 'location', 'www-authenticate', 'openstack-api-version', 'accept-patch']) {
      found.push(
        ...differences({ [name]: exchange.answerHeaders[name] }, { [name]: answer.headers[name] }, this.ids).filter(
          () => name in exchange.answerHeaders,
        ),
      );
    }
    if (expected !== undefined) found.push(...differences(expected, answer.json, this.ids));
    else if (exchange.answer === '' && answer.text !== '')
      found.push(`body: none was recorded, but got ${answer.text}`);
    else if (exchange.answerHeaders['content-type']?.startsWith('text/') === true)
      found.push(...this.#judgeText(exchange, answer));
    return found;
  }

  /** Nova names a new image nowhere else. */
  #learnLocation(exchange: Exchange, answer: RawAnswer): void {
    const [recorded, actual] = [exchange.answerHeaders['location'], answer.headers['location']].map((url) =>
      url?.split('/').at(-1),
    );
    if (recorded !== undefined && actual !== undefined) this.ids.set(recorded, actual);
  }

  /** A cut body cannot be compared, but what it is about may be named later. */
  #learnFirstId(exchange: Exchange, answer: RawAnswer): void {
    const first = /"id": ?"([0-9a-f-]{36})"/;
    const [recorded, actual] = [first.exec(exchange.answer)?.[1], first.exec(answer.text)?.[1]];
    if (recorded !== undefined && actual !== undefined && !this.ids.has(recorded)) this.ids.set(recorded, actual);
  }

  #judgeText(exchange: Exchange, answer: RawAnswer): string[] {
    const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
    const recorded = squeeze(translate(exchange.answer, this.ids)).replace(/ Failed validating.*$/, '');
    return squeeze(answer.text).startsWith(recorded)
      ? []
      : [`text: "${recorded}" was recorded, but got "${squeeze(answer.text)}"`];
  }

  async #send(exchange: Exchange, sendsToken: 'always' | 'as-shown'): Promise<RawAnswer> {
    const { 'x-auth-token': shown, ...headers } = exchange.headers;
    const token = sendsToken === 'always' || shown === '<TOKEN>' ? { 'x-auth-token': this.tenant.token } : {};
    const body = exchange.body === undefined ? undefined : bodyOf(translate(exchange.body, this.ids));
    return await sendRaw({
      method: exchange.method,
      url: this.tenant.subject.origins[exchange.service] + translate(exchange.path, this.ids),
      headers: { ...headers, ...token },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** The whole body that was recorded, also where only a difference was; undefined if it was cut or is no JSON. */
  #expectedBody(exchange: Exchange): unknown {
    const recorded = parseRecorded(translateUrls(exchange.answer, this.ids));
    if (exchange.isDifference) {
      const last = this.#lastBodies.get(exchange.path) ?? {};
      const server = { ...(last['server'] as object), ...(recorded as object) };
      this.#lastBodies.set(exchange.path, { server });
      return 'id' in server ? { server } : undefined;
    }
    if (exchange.method === 'GET' && recorded !== undefined)
      this.#lastBodies.set(exchange.path, recorded as Record<string, unknown>);
    return recorded;
  }
}

/** Whether an answer shows the recorded state, so that the rest can be compared. */
function sameState(expected: unknown, actual: unknown): boolean {
  const paths = [['server', 'status'], ['server', 'OS-EXT-STS:task_state'], ['status']];
  const isSame = paths.every((path) => at(expected, ...path) === at(actual, ...path));
  const [a, b] = [at(expected, 'server', 'addresses', 'private'), at(actual, 'server', 'addresses', 'private')];
  const zonesAgree =
    (at(expected, 'server', 'OS-EXT-AZ:availability_zone') === '') ===
    (at(actual, 'server', 'OS-EXT-AZ:availability_zone') === '');
  return isSame && (Array.isArray(a) ? a.length : 0) === (Array.isArray(b) ? b.length : 0) && zonesAgree;
}

function parseRecorded(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll('[…]', '"<cut>"'));
  } catch {
    return undefined; // cut, or no JSON
  }
}

/** Only what stands for hosts: ids are learned by comparing. */
function translateUrls(text: string, ids: IdBook): string {
  const urls = new Map([...ids].filter(([recorded]) => recorded.startsWith('http')));
  return translate(text, urls);
}

/** `v…(256 times)` stands for a long text, `<10 bytes>` for data. */
function bodyOf(text: string): string | Buffer {
  const bytes = /^<(\d+|chunked) bytes>$/.exec(text);
  if (bytes !== null) return Buffer.alloc(bytes[1] === 'chunked' ? 1000 : Number(bytes[1]), 'x');
  return text.replaceAll(/(\w)…\((\d+) times\)/g, (_all, letter: string, count: string) =>
    letter.repeat(Number(count)),
  );
}
