import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs and tests are run from the repository's root. */
const FOLDER = join('test', 'fixtures');

/** The files of a folder of test/fixtures whose names end so. */
export function fixtures(folder: string, ending: string): readonly Buffer[] {
  const names = readdirSync(join(FOLDER, folder)).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => readFileSync(join(FOLDER, folder, name)));
}

export function fixture(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8');
}

/** A recorded answer as it goes over the wire, without its length: it ends with the connection. */
export type RecordedAnswer = { readonly request: string; readonly bytes: Buffer };

const SKIPPED = /^(transfer-encoding|content-length|connection|content-encoding):/i;

/** The answers of recordings whose lines begin with `>` and `<` (test/fixtures/jenkins, openstack-transcripts). */
export function recordedAnswers(folder: string): readonly RecordedAnswer[] {
  return fixtures(folder, '.txt').flatMap((file) =>
    file
      .toString()
      .split(/^(?=> (?:GET|POST|DELETE|PUT) )/m)
      .flatMap(answerIn),
  );
}

function answerIn(block: string): readonly RecordedAnswer[] {
  const request = /^> (\S+ \S+)/.exec(block)?.[1];
  const lines = block.split('\n').flatMap((line) => (line.startsWith('< ') ? [line.slice(2)] : []));
  const status = /^(?:HTTP\/1.1 )?(\d{3} .*)$/.exec(lines[0] ?? '')?.[1];
  if (request === undefined || status === undefined) return [];
  const headers = lines.slice(1).filter((line) => /^[A-Za-z-]+: /.test(line) && !SKIPPED.test(line));
  const body = lines.slice(1).find((line) => /^(\[\d+ bytes\] |[{[])/.test(line)) ?? '';
  const text = [`HTTP/1.1 ${status}`, ...headers, 'Connection: close', '', body.replace(/^\[\d+ bytes\] /, '')].join(
    '\r\n',
  );
  return [{ request, bytes: Buffer.from(text) }];
}
