import { expect } from 'vitest';
import type { Reply, StandInBench } from '../../devfarm/jenkins/stand-in-bench.ts';
import { type Exchange, recorded, RECORDED_SECRETS } from '../../fakes/recorded-jenkins.ts';

/** The title of a recorded exchange, or something to do in between. */
export type ReplayStep = string | ((jenkins: StandInBench) => Promise<unknown>);

/** What of an answer a client may rely on. */
type Essence = Readonly<Record<string, unknown>>;

const RECORDED_BASE = 'http://127.0.0.1:22080';
const UNTITLED = 'a page without a title';
const HEADERS = [
  'location',
  'content-type',
  'x-error',
  'x-jenkins',
  'x-you-are-authenticated-as',
  'x-required-permission',
  'www-authenticate',
];

/** Sends the recorded requests of one file in turn, and expects of each answer what the recorded one tells. */
export async function replay(jenkins: StandInBench, file: string, steps: readonly ReplayStep[]): Promise<void> {
  for (const step of steps) {
    if (typeof step !== 'string') {
      await step(jenkins);
      continue;
    }
    const exchange = recorded(file, step);
    const said = essenceOf(await send(jenkins, exchange), jenkins.url);
    const expected = essenceOf(replyOf(exchange), RECORDED_BASE);
    const isCutShort = expected['body'] === UNTITLED; // the recording ends before the page's title
    expect({ step, ...said }).toEqual({ step, ...expected, ...(isCutShort && { body: said['body'] }) });
  }
}

async function send(jenkins: StandInBench, exchange: Exchange): Promise<Reply> {
  const { authorization, ...headers } = exchange.requestHeaders;
  const secret = /<jenkins:(\w+)>/.exec(authorization ?? '')?.[1] as keyof typeof RECORDED_SECRETS | undefined;
  const credentials = secret === undefined ? '' : `jenkins:${RECORDED_SECRETS[secret]}`;
  const basic = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return await jenkins.call(`${exchange.method} ${exchange.path}`, {
    headers: { ...headers, authorization: secret === undefined ? '' : basic },
    ...(exchange.requestBody !== '' && { body: exchange.requestBody }),
  });
}

function replyOf({ status, headers, body }: Exchange): Reply {
  return { status, headers, text: body };
}

function essenceOf(reply: Reply, base: string): Essence {
  const headers = HEADERS.flatMap((name) => {
    const value = reply.headers[name];
    return value === undefined ? [] : [[name, withoutChance(String(value).replaceAll(base, 'BASE'))]];
  });
  return {
    status: reply.status,
    ...(Object.fromEntries(headers) as Essence),
    body: bodyEssence(reply, base),
  };
}

/** JSON whole, XML as it is; of a page its title: the rest is for people. */
function bodyEssence({ text }: Reply, base: string): unknown {
  if (text.startsWith('{')) return jsonEssence(JSON.parse(text.replaceAll(base, 'BASE')));
  if (text.includes('<html')) return /<title>([^<]*)<\/title>/.exec(text)?.[1] ?? UNTITLED;
  return text
    .split('\n')
    .map((line) => withoutChance(line.trim()))
    .join('\n');
}

/** Measured values mean nothing. */
function jsonEssence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonEssence);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    if (MEASURED.has(key)) return [key, typeof inner];
    if (key === 'executors' && Array.isArray(inner)) return [key, inner.map(executorEssence).sort()];
    return [key, key === 'monitorData' ? 'measured' : jsonEssence(inner)];
  });
  return Object.fromEntries(entries);
}

/** Which of the executors has the build is chance, and so is their order. */
function executorEssence(executor: unknown): string {
  const { number, ...essence } = jsonEssence(executor) as Readonly<Record<string, unknown>>; // an object of the API
  return JSON.stringify({ ...essence, number: typeof number });
}

const MEASURED = new Set([
  'progress',
  'timestamp',
  'crumb',
  'inQueueSince',
  'id',
  'buildableStartMilliseconds',
  'stuck',
]);

function withoutChance(text: string): string {
  return text.replaceAll(/queue\/item\/\d+/g, 'queue/item/N').replaceAll(/<timestamp>\d+/g, '<timestamp>N');
}
