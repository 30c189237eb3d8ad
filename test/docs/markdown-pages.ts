import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the documentation, path from the top of the checkout. */
export type Page = { readonly path: string; readonly text: string };

const NOT_OURS = /^(node_modules|dist|coverage|[.]git|test\/fixtures)(\/|$)/;

/** Every Markdown file of the checkout that people write. */
export function readPages(): readonly Page[] {
  return pathsBelow('.')
    .filter((path) => path.endsWith('.md'))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The text of all files below `folder` with that ending, or of those that are chosen. */
export function readSources(folder: string, ending: string, isChosen = (_path: string): boolean => true): string {
  return pathsBelow(folder)
    .filter((path) => path.endsWith(ending) && isChosen(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
}

/** Code of a page: its blocks line by line, and its spans. */
export function codeOf({ text }: Page): readonly string[] {
  const blocks = [...text.matchAll(/^```.*\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) => code.split('\n'));
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...blocks, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)];
}

/** The anchors that headings make (GitHub's rule: lower case, no punctuation, dashes for blanks). */
export function anchorsOf({ text }: Page): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function pathsBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '.' ? entry.name : join(folder, entry.name);
    if (NOT_OURS.test(path)) return [];
    return entry.isDirectory() ? pathsBelow(path) : [path];
  });
}
