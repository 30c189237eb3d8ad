import { describe, expect, test } from 'vitest';
import { BuildOutput } from '../../src/builder/build-output.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

test('lines are logged as they come, wherever the chunks are cut; a progress bar is lines too', async () => {
  const said = anOutput();

  for (const chunk of ['one\ntw', 'o\r\n\nthree \x1b[1m50 %\r100 %\n', 'é'.slice(0, 1), ' last'])
    await said.take(chunk);
  await said.end();

  expect(said.lines).toEqual(['one', 'two', 'three  [1m50 %', '100 %', 'é last']);
  expect(said.written).toEqual(said.lines);
});

test('a line has a bound, so that a build cannot fill memory or log with one', async () => {
  const said = anOutput();

  for (let chunk = 0; chunk < 40; chunk += 1) await said.take('x'.repeat(64 * 1024));
  await said.take('\nnext\n');

  expect(said.lines.map(({ length }) => length)).toEqual([4_002, 4]);
});

test('a long output passes through in bounded memory, and its end is kept', async () => {
  const said = anOutput();

  for (let n = 0; n < 20_000; n += 1) await said.take(`line ${n}\n+ trace\n`);

  expect(said.lines).toHaveLength(40_000);
  expect(said.output.tail).toBe('line 19995 | line 19996 | line 19997 | line 19998 | line 19999');
});

describe('secrets', () => {
  test.each([
    ['as they are', 'curl -u x:hush$hush"it', 'curl -u x:[redacted]'],
    ['as set -x quotes them', `+ login 'it'\\''s me'`, `+ login '[redacted]'`],
    ['as declare -p quotes them', String.raw`declare -x P="hush\$hush\"it"`, 'declare -x P="[redacted]"'],
    ['in base64', `Basic ${Buffer.from('user:hush$hush"it').toString('base64')}`, 'Basic '],
    ['a line of several', 'key: SECOND-LINE', 'key: [redacted]'],
  ])('%s are not in the log, the file or the error', async (_how, line, start) => {
    const said = anOutput(['hush$hush"it', "it's me", 'BEGIN-OF-KEY\nSECOND-LINE\n']);

    await said.take(line.slice(0, 9));
    await said.take(`${line.slice(9)}\n`);

    const [shown = ''] = said.lines;
    expect(shown.startsWith(start)).toBe(true);
    expect(shown).toContain('[redacted]');
    expect(said.written).toEqual([shown]);
    expect(said.output.tail).toBe(line.startsWith('+') ? '' : shown);
  });
});

function anOutput(secrets: readonly string[] = []) {
  const log = new RecordingLogger();
  const written: string[] = [];
  const sinks = {
    log,
    write: (line: string) => {
      written.push(line);
      return Promise.resolve();
    },
  };
  const output = new BuildOutput(
    sinks,
    secrets.map((secret) => new Secret(secret)),
  );
  return {
    output,
    written,
    get lines() {
      return log.messages('info');
    },
    take: (text: string) => output.take(Buffer.from(text)),
    end: () => output.end(),
  };
}
