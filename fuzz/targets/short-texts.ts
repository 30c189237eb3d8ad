import { nodenameHas, renderTemplate, templateFault, templateHas } from '../../src/config/name-template.ts';
import { parseDatabaseUrl } from '../../src/db/connection-settings.ts';
import { DatabaseRefusedError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';

const VALUES = {
  'image.name': 'trusty',
  'image.id': '1',
  'provider.name': 'east',
  'provider.region_name': 'R1',
  'label.name': 'unit',
  'label.image': 'trusty',
  node_id: 12,
  subnode_id: 1,
  timestamp: 1,
};

export const nameTemplates: ByteTarget = {
  kind: 'bytes',
  name: 'name-templates',
  about: 'templates of names: a fault, or one that renders',
  corpus: () =>
    ['{label.name}-{provider.name}-{node_id}', '{{x}}-{timestamp}.{image.name}', '{node_id:>9}', '{0}', '{'].map(
      (text) => Buffer.from(text),
    ),
  words: ['{', '}', '{{', '}}', '{node_id}', '{__proto__}', '{label.name}', '.', '!r', ':>99'],
  mayThrow: [],
  feed: (input) => {
    const text = input.toString();
    if (templateFault(text, 'subnode-hostname') !== undefined) return;
    templateHas(text, 'node_id');
    nodenameHas(text, 'node_id');
    const name = renderTemplate(text, { ...VALUES, 'image.id': 'x' });
    promise(!name.includes('undefined') || text.includes('undefined'), 'A name holds a value that is none');
    promise(renderTemplate(name.replaceAll(/[{}]/g, '$&$&'), {}) === name, 'An escaped name renders otherwise');
  },
};

export const databaseUrls: ByteTarget = {
  kind: 'bytes',
  name: 'database-urls',
  about: 'addresses of databases: settings, or a refusal without the password',
  corpus: () =>
    [
      'postgresql://nodepool:p%40ss@db.example.org:5432/nodepool?sslmode=require',
      'postgresql+psycopg2://nodepool:a/b#c@[::1]:5433/nodepool',
      'postgres://u@/name?host=/run/postgresql&port=5433',
      'mysql+pymysql://nodepool:secret@localhost/nodepool',
      'sqlite:////tmp/nodepool.db',
    ].map((text) => Buffer.from(text)),
  words: ['postgresql://', '@', ':', '/', '?', '&', '%', '%zz', '[', ']', 'sslmode=', 'host=', 'Kq7xPassword'],
  mayThrow: [DatabaseRefusedError],
  feed: (input) => {
    const text = input.toString().replaceAll(/ssl(rootcert|cert|key)/g, 'sslnothing'); // these name files to read
    try {
      parseDatabaseUrl(new Secret(text));
    } catch (error) {
      promise(!String(error).includes('Kq7x') || /sslmode[^&]*Kq7x/.test(text), 'A message holds the password');
      throw error;
    }
  },
};
