import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSources } from './markdown-pages.ts';
import { fragmentsOf, messagesIn } from './message-tables.ts';

const PAGES = ['image-errors', 'disk-images'].map((name) => readFileSync(`docs/operator/${name}.md`, 'utf8'));
const ROOMS = ['src/snapshot', 'src/dib', 'src/builder', 'src/image'];
const COMMANDS =
  /^src[/]cli[/](commands[/](image|dib-image)|await-image|build-disk-image|upload-disk-image|chosen-prov)/;

/** What ends work that is not wanted any more, what would be a fault of ours, and what another text quotes in full. */
const NOT_TOLD: readonly RegExp[] = [
  /was deleted while|is deleted$|The job is over/,
  /The server to save is not known|has no host name to call its keypair by/,
  /^it is still there$|^there is no such file$/,
];

test('every error and warning about images is explained, so that nobody has to read the sources', () => {
  const told = PAGES.flatMap(messagesIn).flatMap(fragmentsOf);
  const sources = [...ROOMS.map((room) => readSources(room, '.ts')), commandSources()].join('\n');
  const messages = messagesOf(sources);

  const isTold = (message: string): boolean => {
    const fragments = wordsOf(message);
    return told.some((each) => fragments.some((words) => words.includes(each) || each.includes(words)));
  };
  expect(messages.length).toBeGreaterThan(50);
  expect(messages.filter((message) => !NOT_TOLD.some((words) => words.test(message)) && !isTold(message))).toEqual([]);
});

function commandSources(): string {
  return readSources('src/cli', '.ts', (path) => COMMANDS.test(path));
}

/** The texts that errors and warnings are made of. */
function messagesOf(sources: string): readonly string[] {
  const made = sources.matchAll(/(?:Error\(|[.](?:warn|error)\()\s*([`'])((?:\\.|(?!\1)[^\\])*)\1/g);
  return [...made].map(([, , text = '']) => text.replaceAll("\\'", "'"));
}

/** What stands between the values. */
function wordsOf(message: string): readonly string[] {
  return message
    .split(/\$\{[^}]*\}/)
    .map((part) =>
      part
        .trim()
        .replace(/^[:"]+|[:"]+$/g, '')
        .trim(),
    )
    .filter((part) => part.length >= 6);
}
