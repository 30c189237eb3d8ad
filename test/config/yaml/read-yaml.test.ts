import { describe, expect, test } from 'vitest';
import { FaultReport } from '../../../src/config/fault-report.ts';
import { readYaml } from '../../../src/config/yaml/read-yaml.ts';
import { itemsOf, nodeAt, sourceOf, valueOf } from '../../../src/config/yaml/yaml-node.ts';
import type { YamlNode } from '../../../src/config/yaml/yaml-node.ts';

function read(text: string) {
  const report = new FaultReport();
  const tree = readYaml({ path: 'file.yaml', text }, report);
  const faults = report.faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
  return { tree, faults };
}

function plain(node: YamlNode | undefined): unknown {
  if (node?.kind === 'map') return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
  return node?.kind === 'list' ? node.items.map(plain) : node?.value;
}

describe('values', () => {
  test('every value keeps the place where it is written, since a fault must be found', () => {
    const { tree } = read('---\n\nproviders:\n  - name: east\n    rate:   8 # seconds\n');

    expect(nodeAt(tree ?? fail(), ['providers', 0, 'rate']).at).toEqual({ file: 'file.yaml', line: 5, column: 13 });
    expect(nodeAt(tree ?? fail(), ['providers', 0]).at).toMatchObject({ line: 4, column: 5 });
  });

  test('a number keeps its spelling, because DIB_RELEASE wants "042" and not 34', () => {
    const { tree } = read('release: 042');

    expect(sourceOf(valueOf(tree, 'release'))).toBe('042');
    expect(plain(tree)).toEqual({ release: 34 });
  });

  test('anchors, aliases and merge keys give what PyYAML makes of them', () => {
    const { tree } = read('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: *b\n');

    expect(plain(tree)).toMatchObject({ c: { x: 3, y: 1, z: 2 }, d: { y: 2, z: 2 } });
  });

  test('tags say how a scalar is to be read', () => {
    expect(plain(read('a: !!str 5\nb: !!int "5"\nc: ! yes\nd: "yes"').tree)).toEqual({
      a: '5',
      b: 5,
      c: 'yes',
      d: 'yes',
    });
  });

  test('CRLF, a byte order mark and block scalars are read like any other file', () => {
    const { tree } = read('\uFEFFa: 1\r\nb: |\r\n  two\r\n  lines\r\nc: >-\r\n  one\r\n  line\r\n');

    expect(plain(tree)).toEqual({ a: 1, b: 'two\nlines\n', c: 'one line' });
  });

  test('an empty file is an empty value, and not a fault of its syntax', () => {
    expect(read('# nothing\n')).toMatchObject({ tree: { type: 'nothing' }, faults: [] });
  });

  test('JSON is YAML', () => {
    expect(plain(read('{"clouds": {"a": [1, true, null, "x"]}}').tree)).toEqual({
      clouds: { a: [1, true, null, 'x'] },
    });
  });
});

describe('faults', () => {
  test.each([
    ['a: 1\nb: 2\na: 3\n', '3:1 Key "a" in line 3 was already given in line 1'],
    ['a:\n  - {x: 1, y: 2, x: 3}\n', '2:18 Key "x" in line 2 was already given in line 2'],
    ['a: *b\n', '1:4 Unknown alias "*b"'],
    ['a: &a [*a]\n', '1:8 Alias "*a" stands inside its own value'],
    ['a: !!python/object:os.system {}\n', '1:30 Unknown tag "tag:yaml.org,2002:python/object:os.system"'],
    ['a: !vault x\n', '1:11 Unknown tag "!vault"'],
    ['{a: b}: c\n', '1:1 Expected a text as key, found a map or a list'],
    ['a: {<<: 5}\n', '1:9 Expected a map or a list of maps to merge by "<<"'],
    ['a: "b\nc: d\n', '1:4 This quote is never closed'],
    ['a: 1\n\tb: 2\n', '2:1 A tab is used as indentation: use blanks'],
    ['a: b: c\n', '1:4 Unexpected ":": mend the indentation, or put the value into quotes'],
    ['a: 1\nb\nc: 2\n', '2:1 Expected "key: value"'],
    ['a: @b\n', '1:4 Plain value cannot start with reserved character @'],
    ['a: 1\n---\nb: 2\n', '2:1 Expected one document, found a second one'],
    ['a: \u0007\n', '1:4 Unexpected control character U+0007'],
  ])('%j is refused with its place and cause', (text, fault) => {
    expect(read(text).faults).toEqual([fault]);
  });

  test.each([
    [
      'a tab',
      'labels:\n\t- name: x\n\t  image: y\n\t- name: z\nb: c\n',
      '2:1 A tab is used as indentation: use blanks',
    ],
    [
      'an item too far left',
      'a:\n  - b: 1\n    c: 2\n\n - d: 3\n   e: 4\n',
      /^5:2 Wrong indentation: this list item stands under/,
    ],
    ['a key too far right', 'a: 1\n   b: 2\n  c: 3\nd: 4\n', /^1:4 Unexpected ":": mend the indentation/],
  ])('%s is one fault: what the parser stumbles over behind it is none of the file', (_what, text, fault) => {
    expect(read(text).faults).toEqual([typeof fault === 'string' ? fault : expect.stringMatching(fault)]);
  });

  test('the text of a broken line is not shown, because it may hold a password', () => {
    const { faults } = read('- a\npassword: hunter2\n"hunter2\n');

    expect(faults.length).toBeGreaterThan(0);
    expect(faults.join()).not.toContain('hunter2');
  });
});

describe('bounds', () => {
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    .map(
      (name, i) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${'abcdefghij'.charAt(i)}`)
          .join(',')}]\n`,
    )
    .join('')}`;

  test.each([
    ['aliases that multiply', bomb, 'values'],
    ['a list of a million items', '- a\n'.repeat(1_000_000), 'words and signs'],
    ['nine million letters', 'x'.repeat(9_000_000), 'larger'],
    ['brackets in brackets', '['.repeat(100_000), 'deeply'],
    ['fewer brackets in brackets', '['.repeat(900), 'deeply'],
    ['lists in lists', '- '.repeat(50_000), 'deeply'],
    ['maps in maps', '? '.repeat(20_000), 'deeply'],
    ['nesting of two hundred levels', `${'['.repeat(200)}${']'.repeat(200)}`, 'deeply'],
  ])('%s are refused, because a reload must not stop the daemon', (_, text, word) => {
    const { tree, faults } = read(text);

    expect(tree).toBeUndefined();
    expect(faults.join()).toContain(word);
  });

  test('aliases in a reasonable number are no bomb', () => {
    const { tree, faults } = read(`a: &a [1, 2]\nb: [${Array(100).fill('*a').join(', ')}]\n`);

    expect(faults).toEqual([]);
    expect(itemsOf(valueOf(tree, 'b'))).toHaveLength(100);
  });
});

function fail(): never {
  throw new Error('Expected a tree');
}
