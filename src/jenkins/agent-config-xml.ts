/** An agent's config.xml (Jenkins, XStream). Edited as text, because what is sent must be what was read but for the label. */
import { TransientProviderError } from '../provider/errors.ts';

const LABEL = /<label\s*\/>|<label>([^<]*)<\/label>/;

/** The host that the agent's launcher connects to; undefined for a launcher without one. */
export function launcherHost(xml: string): string | undefined {
  // Not one expression: looking for the end from every beginning would take the square of a long document's length.
  const start = xml.search(/<launcher[\s/>]/);
  const end = xml.indexOf('</launcher>', start);
  const host = start === -1 ? undefined : /<host>([^<]*)<\/host>/.exec(xml.slice(start, Math.max(start, end)))?.[1];
  return host === undefined ? undefined : unescapeXml(host).trim();
}

/** Whether the launcher kept a credential: Jenkins drops user name and key path without a word. */
export function hasCredentialsId(xml: string): boolean {
  return /<credentialsId>[^<]+<\/credentialsId>/.test(xml);
}

/** The text of the first `<label>`: the labels, joined by blanks. */
export function labelOf(xml: string): string {
  return unescapeXml(LABEL.exec(xml)?.[1] ?? '');
}

/**
 * The document with `label` as the text of its first `<label>`, which is added where there is none.
 * @throws {TransientProviderError} it is no whole agent document: Jenkins would accept the torso and lose the rest
 */
export function withLabel(xml: string, label: string): string {
  const element = `<label>${escapeXml(label)}</label>`;
  if (!/<\/slave>\s*$/.test(xml))
    throw new TransientProviderError('Cannot relabel the agent: its config.xml does not end in </slave>');
  // As functions, because a replacement text gives `$` a meaning.
  if (LABEL.test(xml)) return xml.replace(LABEL, () => element);
  return xml.replace(/<\/slave>\s*$/, (end) => `  ${element}\n${end}`);
}

const ENTITIES: readonly (readonly [string, string])[] = [
  ['&', '&amp;'], // first when escaping, last when unescaping
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
];

const LAST_CODE_POINT = 0x10ffff;

function escapeXml(text: string): string {
  return ENTITIES.reduce((escaped, [plain, entity]) => escaped.replaceAll(plain, entity), text);
}

function unescapeXml(text: string): string {
  const numbered = text.replaceAll(/&#(?:x([0-9a-f]+)|(\d+));/gi, (entity, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : entity;
  });
  return [...ENTITIES].reverse().reduce((plain, [character, entity]) => plain.replaceAll(entity, character), numbered);
}
