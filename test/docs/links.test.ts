import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { anchorsOf, codeOf, type Page, readPages } from './markdown-pages.ts';

const PAGES = readPages();
const CODE = PAGES.flatMap((page) => codeOf(page).map((code) => ({ path: page.path, code })));

test('every relative link of the documentation leads to a file and a heading that exist', () => {
  const broken = PAGES.flatMap((page) => linksOf(page).filter((link) => !leadsSomewhere(link, page)));

  expect(PAGES.length).toBeGreaterThan(15);
  expect(broken).toEqual([]);
});

test('every npm script that the documentation names is in package.json, so that it can be run', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  const named = CODE.flatMap(({ code }) =>
    [...code.matchAll(/npm run (?:-\S+ )*([\w-]+)/g)].map(([, name = '']) => name),
  );

  expect(named).toContain('check');
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('every program of scripts/ and bin/ that the documentation names exists', () => {
  const named = CODE.flatMap(({ code }) =>
    [...code.matchAll(/(?:^|[\s"(])(?:[.]\/)?((?:scripts|bin)\/[\w.-]+)/g)].map(([, path = '']) => path),
  );

  expect(named).toContain('scripts/demo');
  expect(named.filter((path) => !existsSync(path))).toEqual([]);
});

test('every command that the documentation shows exists, with its options', () => {
  const shown = CODE.flatMap(({ path, code }) => commandsIn(code).map((command) => ({ path, ...command })));

  expect(shown.map(({ name }) => name)).toContain('image-update');
  expect(shown.filter(({ name, options }) => !isKnown(name, options))).toEqual([]);
});

test('the operator pages tell of every command, so that none is found by chance only', () => {
  const shown = new Set(CODE.flatMap(({ code }) => commandsIn(code).map(({ name }) => name)));

  expect(ALL_COMMANDS.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

function linksOf({ text }: Page): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]+`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(link: string, from: Page): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from.path : normalize(join(dirname(from.path), file));
  if (!existsSync(path)) return false;
  const page = PAGES.find((each) => each.path === path);
  return anchor === undefined || (page !== undefined && anchorsOf(page).includes(anchor));
}

/** `nodepool hold 12 --reason TEXT`, also as `bin/nodepool $conf hold …`; not `-u nodepool` or `-O nodepool`, an account. */
function commandsIn(code: string): readonly { readonly name: string; readonly options: readonly string[] }[] {
  const calls = code.matchAll(/(?<!-[uUO] )(?<![\w/-])(?:bin\/)?nodepool((?: -\w \S+| \$conf)*) ([a-z][a-z-]*)(.*)$/g);
  return [...calls].map(([, , name = '', rest = '']) => ({
    name,
    options: [...rest.matchAll(/ (--[a-z-]+)/g)].map(([, option = '']) => option),
  }));
}

function isKnown(name: string, options: readonly string[]): boolean {
  const command = ALL_COMMANDS.find((each) => each.name === name);
  if (command === undefined) return false;
  return options.every((option) => command.options.some(({ flags }) => flags.split(/[ ,]+/).includes(option)));
}
