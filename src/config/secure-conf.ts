import { definedOnly } from '../runtime/defined-only.ts';
import { Secret } from '../runtime/secret.ts';
import type { ConfigText } from './config-sources.ts';
import type { Position } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { readIni } from './read-ini.ts';
import type { IniSection } from './read-ini.ts';
import { nearestKey } from './schema/nearest-key.ts';

export type SecureConf = {
  readonly database?: { readonly url: Secret; readonly at: Position };
  readonly jenkins: readonly SecureJenkins[];
  readonly diskimages: readonly SecureDiskImage[];
};

/** A section `[jenkins "TARGET"]`. */
export type SecureJenkins = {
  readonly target: string;
  readonly at: Position;
  readonly url?: string;
  /** Of `url`. */
  readonly urlAt?: Position;
  readonly user?: string;
  readonly apiKey?: Secret;
  readonly credentialsId?: string;
};

/** A section `[diskimage "NAME"]`: variables of that disk image's build that nobody may see. */
export type SecureDiskImage = {
  readonly name: string;
  readonly at: Position;
  /** By the name of the variable, as the file spells it. */
  readonly environment: ReadonlyMap<string, { readonly value: Secret; readonly at: Position }>;
};

const DATABASE_KEYS = ['dburi'];
const JENKINS_KEYS = ['url', 'user', 'apikey', 'credentials'];

/** Reads secure.conf, an INI file of Python's ConfigParser. Faults go to the report; what can be read is returned. */
export function readSecureConf(source: ConfigText, report: FaultReport): SecureConf {
  const sections = readIni(source, report);
  const dburi = sections.find((section) => section.name === 'database')?.options.get('dburi');
  // Somebody meant to name a database: a new and empty one is no answer to that.
  if (dburi?.value === '') report.fault(dburi.at, ['database', 'dburi'], EMPTY_DATABASE_URL);
  const jenkins = sections.flatMap((section) => readSection(section, report));
  const diskimages = sections.flatMap((section) => readDiskImage(section, report));
  return {
    jenkins,
    diskimages,
    ...(dburi === undefined ? {} : { database: { url: new Secret(dburi.value), at: dburi.at } }),
  };
}

/** For `dburi` without a value. */
export const EMPTY_DATABASE_URL =
  'Key "dburi" has no value: give the address of a Postgres, or remove the key for a local one';

function readSection(section: IniSection, report: FaultReport): readonly SecureJenkins[] {
  const [, target] = /^jenkins "(.+)"$/.exec(section.name) ?? [];
  if (target !== undefined) {
    warnOfKeys(section, JENKINS_KEYS, report);
    return [readJenkins(target, section)];
  }
  if (section.name === 'database') warnOfKeys(section, DATABASE_KEYS, report);
  else if (!DISKIMAGE.test(section.name)) warnOfSection(section, report);
  return [];
}

const DISKIMAGE = /^diskimage "(.+)"$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function readDiskImage(section: IniSection, report: FaultReport): readonly SecureDiskImage[] {
  const [, name] = DISKIMAGE.exec(section.name) ?? [];
  if (name === undefined) return [];
  const environment = new Map<string, { readonly value: Secret; readonly at: Position }>();
  for (const [key, { value, at, spelling }] of section.options) {
    if (VARIABLE.test(spelling)) environment.set(spelling, { value: new Secret(value), at });
    else report.warn(at, [section.name, key], `Key "${key}" is ignored: no variable can be called so`);
  }
  return [{ name, at: section.at, environment }];
}

function readJenkins(target: string, section: IniSection): SecureJenkins {
  const apiKey = optionOf(section, 'apikey');
  return definedOnly({
    target,
    at: section.at,
    url: optionOf(section, 'url'),
    urlAt: section.options.get('url')?.at,
    user: optionOf(section, 'user'),
    apiKey: apiKey === undefined ? undefined : new Secret(apiKey),
    credentialsId: optionOf(section, 'credentials'),
  });
}

function optionOf(section: IniSection | undefined, key: string): string | undefined {
  const value = section?.options.get(key)?.value;
  return value === '' ? undefined : value;
}

function warnOfSection(section: IniSection, report: FaultReport): void {
  const message = `Unknown section "${section.name}" is ignored: expected "database", "jenkins "TARGET"" or "diskimage "NAME""`;
  report.warn(section.at, [section.name], message);
}

function warnOfKeys(section: IniSection, known: readonly string[], report: FaultReport): void {
  for (const [key, { at }] of section.options) {
    if (known.includes(key)) continue;
    const near = key === 'credentials-id' ? 'credentials' : nearestKey(key, known);
    const hint = near === undefined ? '' : `: did you mean "${near}"?`;
    report.warn(at, [section.name, key], `Unknown key "${key}" is ignored${hint}`);
  }
}
