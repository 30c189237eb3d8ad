import type { z } from 'zod';
import { NodepoolSection } from '../src/config/nodepool-section.ts';
import { viewSchema } from '../src/config/schema/schema-shape.ts';
import type { SchemaView } from '../src/config/schema/schema-shape.ts';
import { KEYS_NOT_USED_YET } from './keys-not-used-yet.ts';

type Table = { readonly place: string; readonly intro: string; readonly keys: ReadonlyMap<string, z.core.$ZodType> };

const INTRO = `# Configuration reference

Every key of \`nodepool.yaml\`. Generated from the schema that the daemon and \`nodepool config-validate\` use:
do not edit, run \`npm run config-reference\`.

The file is YAML 1.1: \`yes\`, \`on\` and \`true\` are the same, \`010\` is 8, \`1:30\` is 90; anchors and \`<<\` work.
The same key twice in one map is an error. Keys that are not listed here are ignored with a warning. A key with an
empty value counts as absent. A changed file is read again while the daemon runs; while it is broken, the last good
configuration stays in force. Keys marked "Not used yet" are read and checked, and nothing more.
`;

const OTHER_FILES = `## Templates

\`hostname\`, \`subnode-hostname\` and \`template-hostname\` may hold fields in braces, as in Python's \`str.format\`:
\`{label.name}\`, \`{label.image}\`, \`{provider.name}\`, \`{provider.region_name}\`, \`{image.name}\`, \`{image.id}\` (uploads),
\`{node_id}\`, \`{subnode_id}\` and \`{timestamp}\` (seconds since 1970). \`{{\` and \`}}\` stand for single braces.

## Schedules

The values of \`cron\` have five or six fields: minute, hour, day, month, day of week and, if given, second. They are read
as APScheduler reads them: days of the week count from 0 for Monday or are \`mon\` to \`sun\`; day and day of week must
both match. A field may hold \`*\`, \`*/n\`, \`a\`, \`a-b\`, \`a-b/n\` and lists of these; the day may also be \`last\`,
\`2nd fri\` or \`last sun\`.

## secure.conf

An INI file that wins over the same keys of nodepool.yaml:

    [database]
    dburi = postgresql://nodepool:PASSWORD@db.example.org/nodepool

    [jenkins "TARGET"]
    url = https://jenkins.example.org/
    user = nodepool
    apikey = TOKEN
    credentials = ID

    [diskimage "NAME"]
    REG_PASSWORD = PASSWORD

What stands under \`diskimage\` are variables of that disk image's builds, in capitals as you write them; they win over its
\`env-vars\`, and no log shows them. Values may stand in quotes; \`%%\` is read as \`%\`. Without \`user\` Jenkins is used anonymously.

## clouds.yaml

The file of os-client-config: \`clouds.yaml\`, \`.yml\` or \`.json\` in \`$OS_CLIENT_CONFIG_FILE\`, the current folder,
\`~/.config/openstack\`, \`/etc/xdg/openstack\` or \`/etc/openstack\`; \`secure.yaml\` is laid over it. The keys of a provider
win over the entry that its \`cloud\` names.
`;

/** The reference as Markdown: one table for each kind of section. */
export function renderConfigReference(): string {
  const { shape } = viewSchema(NodepoolSection);
  if (shape.kind !== 'map') throw new Error('The schema of nodepool.yaml is no map');
  const tables = tablesOf({ place: '', intro: '', keys: shape.keys });
  return `${[INTRO, ...tables.map(renderTable), OTHER_FILES].join('\n').trimEnd()}\n`;
}

function tablesOf(table: Table): readonly Table[] {
  const inner = [...table.keys].flatMap(([key, schema]) => {
    const view = viewSchema(schema);
    const content = view.shape.kind === 'list' ? viewSchema(view.shape.item) : view;
    if (content.shape.kind !== 'map') return [];
    const place = `${table.place === '' ? '' : `${table.place}.`}${key}${view.shape.kind === 'list' ? '[]' : ''}`;
    return tablesOf({ place, intro: view.notes.description ?? '', keys: content.shape.keys });
  });
  return [table, ...inner];
}

function renderTable({ place, intro, keys }: Table): string {
  const rows = [...keys].map(([key, schema]) => renderRow(place === '' ? key : `${place}.${key}`, viewSchema(schema)));
  const title = place === '' ? '## Top level' : `## \`${place}\``;
  const head = intro === '' ? [] : [intro, ''];
  return [title, '', ...head, '| Key | Type | Default | Meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function renderRow(path: string, view: SchemaView): string {
  const { notes } = view;
  const key = path.slice(path.lastIndexOf('.') + 1);
  const meaning = notes.withoutEffect ?? notes.rejected ?? notes.description ?? '';
  const prefix = prefixOf(path, notes);
  return `| \`${key}\` | ${typeOf(view)} | ${defaultOf(view)} | ${(prefix + meaning).replaceAll('|', '\\|')} |`;
}

function prefixOf(path: string, { withoutEffect, rejected }: SchemaView['notes']): string {
  if (withoutEffect !== undefined) return 'Ignored with a warning: ';
  if (rejected !== undefined) return 'Error: ';
  return KEYS_NOT_USED_YET.has(path) ? 'Not used yet. ' : '';
}

const WORDS = { text: 'text', flag: 'boolean', anything: 'any', map: 'map', record: 'map of text' } as const;

function typeOf({ shape, notes }: SchemaView): string {
  if (shape.kind === 'list') {
    const item = typeOf(viewSchema(shape.item));
    return `list of ${item}${item === 'map' ? 's' : ''}${notes.oneOrMany === true ? ', or one' : ''}`;
  }
  if (shape.kind === 'number') return numberType(notes.unit);
  return shape.kind === 'text' && notes.spelled === true ? 'text or number' : WORDS[shape.kind];
}

function numberType(unit: string | undefined): string {
  if (unit === undefined) return 'number';
  return unit === 'seconds' ? unit : `number of ${unit}`;
}

function defaultOf(view: SchemaView): string {
  if (view.required) return '**required**';
  const preset = view.default;
  if (preset === undefined) return '–';
  if (typeof preset === 'string') return preset === '' ? 'empty' : `\`${preset}\``;
  if (Array.isArray(preset)) return 'empty';
  return typeof preset === 'number' || typeof preset === 'boolean' ? String(preset) : '–';
}
