/** Names of servers and images: the part of Python's `str.format` that nodepool.yaml uses. */

export type TemplateField =
  | 'image.name'
  | 'image.id'
  | 'provider.name'
  | 'provider.region_name'
  | 'label.name'
  | 'label.image'
  | 'node_id'
  | 'subnode_id'
  | 'timestamp';

/** `timestamp` is in epoch seconds. A field that the template does not use may be absent. */
export type TemplateValues = Readonly<Partial<Record<TemplateField, string | number>>>;

/** A key of nodepool.yaml that holds a template. */
export type TemplateKey = 'hostname' | 'subnode-hostname' | 'template-hostname';

const NODE_FIELDS: readonly TemplateField[] = [
  'label.name',
  'label.image',
  'provider.name',
  'provider.region_name',
  'node_id',
  'image.name',
  'timestamp',
];

/** What the caller of `renderTemplate` must have values for. */
export const TEMPLATE_FIELDS: Readonly<Record<TemplateKey, readonly TemplateField[]>> = {
  hostname: NODE_FIELDS,
  'subnode-hostname': [...NODE_FIELDS, 'subnode_id'],
  'template-hostname': ['image.name', 'image.id', 'provider.name', 'provider.region_name', 'timestamp'],
};

type Part = { readonly literal: string } | { readonly field: string };

/** The template with its fields filled in. @throws {Error} the template is broken or a field it uses has no value */
export function renderTemplate(template: string, values: TemplateValues): string {
  const known: Readonly<Record<string, string | number | undefined>> = values;
  return splitTemplate(template)
    .map((part) => {
      if ('literal' in part) return part.literal;
      const value = Object.hasOwn(known, part.field) ? known[part.field] : undefined;
      if (value === undefined)
        throw new Error(`Cannot render template "${template}": field "${part.field}" has no value`);
      return String(value);
    })
    .join('');
}

/** What is wrong with the template under this key; undefined: nothing. */
export function templateFault(template: string, key: TemplateKey): string | undefined {
  let parts: readonly Part[];
  try {
    parts = splitTemplate(template);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const allowed: readonly string[] = TEMPLATE_FIELDS[key];
  const strange = parts.find((part) => 'field' in part && !allowed.includes(part.field));
  if (strange === undefined || 'literal' in strange) return undefined;
  return `Unknown field "{${strange.field}}": "${key}" may hold ${allowed.map((field) => `{${field}}`).join(' ')}`;
}

/** Whether the rendered name holds the field's value. */
export function templateHas(template: string, field: TemplateField): boolean {
  return splitTemplate(template).some((part) => 'field' in part && part.field === field);
}

/** The same for the part up to the first dot, which is the node's name in Jenkins. */
export function nodenameHas(template: string, field: TemplateField): boolean {
  for (const part of splitTemplate(template)) {
    if ('field' in part && part.field === field) return true;
    if ('literal' in part && part.literal.includes('.')) return false;
  }
  return false;
}

/** @throws {Error} a brace without its partner */
function splitTemplate(template: string): readonly Part[] {
  const parts: Part[] = [];
  for (let rest = template; rest !== '';) {
    const [matched, literal, escaped, field] = /^(?:([^{}]+)|([{]{2}|[}]{2})|[{]([^{}]*)[}])/.exec(rest) ?? [];
    if (matched === undefined) {
      throw new Error(`Cannot read template "${template}": "${rest.charAt(0)}" has no partner, write it twice`);
    }
    if (field !== undefined) parts.push({ field });
    else parts.push({ literal: literal ?? escaped?.charAt(0) ?? '' });
    rest = rest.slice(matched.length);
  }
  return parts;
}
