import type { JobOptions } from './stand-in-options.ts';

/** The part of a free-style project's XML that the stand-in carries out. */
export function parseProjectXml(name: string, xml: string): JobOptions {
  const parameters: Record<string, string> = {};
  for (const [, body = ''] of xml.matchAll(
    /<[\w.]*ParameterDefinition\b[^>]*>([\s\S]*?)<\/[\w.]*ParameterDefinition>/g,
  )) {
    const parameter = textOf(body, 'name');
    if (parameter !== undefined) parameters[parameter] = textOf(body, 'defaultValue') ?? '';
  }
  const nodeParameter = /<[\w.]*\.(?:Node|Label)ParameterDefinition[^>]*>[\s\S]*?<name>([^<]*)<\/name>/.exec(xml)?.[1];
  const label = textOf(xml, 'assignedNode');
  return {
    name,
    command: textOf(xml, 'command') ?? '',
    parameters,
    disabled: textOf(xml, 'disabled') === 'true',
    concurrent: textOf(xml, 'concurrentBuild') === 'true',
    ...(label !== undefined && { label }),
    ...(nodeParameter !== undefined && { nodeParameter }),
  };
}

/** Undefined for an element that is absent or empty. */
function textOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text === undefined || text === '' ? undefined : unescape(text);
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
