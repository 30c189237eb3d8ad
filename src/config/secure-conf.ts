import { Secret } from '../runtime/secret.ts';
import type { ConfigText } from './config-sources.ts';
import type { Position } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { readIni } from './read-ini.ts';
import type { IniSection } from './read-ini.ts';
import { nearestKey } from './schema/nearest-key.ts';

export type SecureConf = {
  readonly databaseUrl?: Secret;
  readonly jenkins: readonly SecureJenkins[];
};

/** A section `[jenkins "TARGET"]`. */
export type SecureJenkins = {
  readonly target: string;
  readonly at: Position;
  readonly url?: string;
  readonly user?: string;
  readonly apiKey?: Secret;
  readonly credentialsId?: string;
};

const DATABASE_KEYS = ['dburi'];
const JENKINS_KEYS = ['url', 'user', 'apikey', 'credentials'];

/** Reads secure.conf, an INI file of Python's ConfigParser. Faults go to the report; what can be read is returned. */
export function readSecureConf(source: ConfigText, report: FaultReport): SecureConf {
  const sections = readIni(source, report);
  const database = sections.find((section) => section.name === 'database');
  const dburi = database?.options.get('dburi')?.value ?? '';
  const jenkins: SecureJenkins[] = [];
  for (const section of sections) {
    const [, target] = /^jenkins "(.+)"$/.exec(section.name) ?? [];
    if (target !== undefined) jenkins.push(readJenkins(target, section));
    else if (section.name !== 'database' && section.name !== 'DEFAULT') warnSection(section, report);
    warnKeys(section, target === undefined ? DATABASE_KEYS : JENKINS_KEYS, report);
  }
  return { jenkins, ...(dburi === '' ? {} : { databaseUrl: new Secret(dburi) }) };
}

function readJenkins(target: string, section: IniSection): SecureJenkins {
  const option = (key: string) => {
    const value = section.options.get(key)?.value ?? '';
    return value === '' ? undefined : value;
  };
  const [url, user, apiKey, credentialsId] = JENKINS_KEYS.map(option);
  return {
    target,
    at: section.at,
    ...(url === undefined ? {} : { url }),
    ...(user === undefined ? {} : { user }),
    ...(apiKey === undefined ? {} : { apiKey: new Secret(apiKey) }),
    ...(credentialsId === undefined ? {} : { credentialsId }),
  };
}

function warnSection(section: IniSection, report: FaultReport): void {
  const message = `Unknown section "${section.name}" is ignored: expected "database" or "jenkins "TARGET""`;
  report.warn(section.at, [section.name], message);
}

function warnKeys(section: IniSection, known: readonly string[], report: FaultReport): void {
  if (section.name !== 'database' && !section.name.startsWith('jenkins "')) return;
  for (const [key, { at }] of section.options) {
    if (known.includes(key)) continue;
    const near = key === 'credentials-id' ? 'credentials' : nearestKey(key, known);
    const hint = near === undefined ? '' : `: did you mean "${near}"?`;
    report.warn(at, [section.name, key], `Unknown key "${key}" is ignored${hint}`);
  }
}
