import { readFileSync } from 'node:fs';
import type { ServiceOrigins } from './openstack-subject.ts';

/** One request and the answer that a real OpenStack gave. */
export type Exchange = {
  /** The heading above it. */
  readonly scene: string;
  readonly line: number;
  readonly service: keyof ServiceOrigins;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly status: number;
  readonly answerHeaders: Readonly<Record<string, string>>;
  /** As recorded; parts may be cut. */
  readonly answer: string;
  /** True: `answer` holds only what differs from the last GET of the same path. */
  readonly isDifference: boolean;
};

const REQUEST = /^> ([A-Z]+) (\S+) {3}\[(identity|compute|image|network),/;
const HEADER = /^([A-Za-z][A-Za-z-]*): (.*)$/;

/** Reads a recorded transcript: `>` is what was sent, `<` what came back, `###` a heading. */
export function readTranscript(file: string): Exchange[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const exchanges: Exchange[] = [];
  let scene = '';
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('### ')) scene = line.slice(4);
    if (REQUEST.test(line)) exchanges.push(readExchange(lines, index, scene));
  }
  return exchanges;
}

function readExchange(lines: readonly string[], start: number, scene: string): Exchange {
  const [, method, path, service] = REQUEST.exec(lines[start] ?? '') ?? [];
  const end = lines.findIndex((line, index) => index > start && (REQUEST.test(line) || line.startsWith('### ')));
  const block = lines.slice(start + 1, end === -1 ? undefined : end);
  const sent = split(block.filter((line) => line.startsWith('> ')).map((line) => line.slice(2)));
  const first = block.findIndex((line) => line.startsWith('< HTTP/'));
  const status = Number(block[first]?.split(' ')[2]);
  const received = split(block.slice(first + 1).map((line) => line.replace(/^< /, '')));
  const isDifference = received.body.startsWith('(headers as before');
  return {
    scene,
    line: start + 1,
    service: service as keyof ServiceOrigins,
    method: String(method),
    path: String(path),
    headers: sent.headers,
    body: sent.body === '' ? undefined : sent.body,
    status,
    answerHeaders: received.headers,
    answer: isDifference ? received.body.split('\n').slice(1).join('\n') : received.body.replace('(empty body)', ''),
    isDifference,
  };
}

function split(lines: readonly string[]): { readonly headers: Record<string, string>; readonly body: string } {
  const firstOther = lines.findIndex((line) => !HEADER.test(line));
  const count = firstOther === -1 ? lines.length : firstOther;
  const pairs = lines.slice(0, count).map((line) => HEADER.exec(line) ?? []);
  const headers = Object.fromEntries(pairs.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
  return { headers, body: lines.slice(count).join('\n').trim() };
}
