import { expect, test } from 'vitest';
import { FaultReport } from '../../src/config/fault-report.ts';
import { readSecureConf } from '../../src/config/secure-conf.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { aNodepoolYaml, inShort, parseTexts } from './config-texts.ts';

function read(text: string) {
  const report = new FaultReport();
  const conf = readSecureConf({ path: 'secure.conf', text }, report);
  return { conf, faults: inShort(report.faults), warnings: inShort(report.warnings) };
}

test('database and Jenkins masters are read as by ConfigParser', () => {
  const { conf, faults, warnings } = read(`# comment
[database]
dburi = 'mysql+pymysql://nodepool:a%%b%40c=d;e@localhost/nodepool'

[jenkins "jenkins1.example.org"]
URL: https://jenkins1.example.org/
user=nodepool
; comment
apikey = "0123"   ; comment
credentials=abc ; comment
[jenkins "jenkins2"]\r
url=http://jenkins2\r
`);

  expect([...faults, ...warnings]).toEqual([]);
  expect(conf.database?.url.reveal()).toBe('mysql+pymysql://nodepool:a%b%40c=d;e@localhost/nodepool');
  expect(conf.jenkins).toMatchObject([
    {
      target: 'jenkins1.example.org',
      url: 'https://jenkins1.example.org/',
      user: 'nodepool',
      apiKey: new Secret('0123'),
      credentialsId: 'abc',
    },
    { target: 'jenkins2', url: 'http://jenkins2' },
  ]);
  expect(conf.jenkins[1]).not.toHaveProperty('user');
});

test('faults have their line and never show the value', () => {
  const { faults } = read('[database]\nhunter2\ndburi=a\ndburi=hunter2\n');

  expect(faults).toEqual([
    'secure.conf:2 Expected "[section]" or "key = value"',
    'secure.conf:4 Key "dburi" in line 4 was already given in line 3',
  ]);
});

test('unknown sections and keys are warnings with the nearest key', () => {
  const { warnings } = read('[databse]\n[jenkins "a"]\nurl=x\ncredentials-id=y\napi-key=z\n');

  expect(warnings).toEqual([
    'secure.conf:1 Unknown section "databse" is ignored: expected "database", "jenkins "TARGET"" or "diskimage "NAME""',
    'secure.conf:4 Unknown key "credentials-id" is ignored: did you mean "credentials"?',
    'secure.conf:5 Unknown key "api-key" is ignored: did you mean "apikey"?',
  ]);
});

const JENKINS = 'targets: [{name: jenkins1, jenkins: {url: "http://yaml/", user: y, test-job: check}}]';

test('secure.conf wins over nodepool.yaml, and a difference is a warning without values', () => {
  const { config, warnings } = parseTexts({
    yaml: aNodepoolYaml({ top: 'dburi: postgresql://yaml', targets: JENKINS }),
    secure: '[database]\ndburi=postgresql://secure\n[jenkins "jenkins1"]\nurl=http://secure/ci/\napikey=k\n',
  });

  expect(config?.databaseUrl).toEqual(new Secret('postgresql://secure'));
  expect(config?.targets[0]?.jenkins).toEqual({
    url: 'http://secure/ci',
    user: 'y',
    apiKey: new Secret('k'),
    testJob: 'check',
  });
  expect(inShort(warnings)).toEqual([
    'nodepool.yaml:1 Key "dburi" differs from secure.conf, which wins',
    'nodepool.yaml:4 Key "url" differs from secure.conf, which wins',
  ]);
});

test('the same value in both files is no warning', () => {
  const { warnings } = parseTexts({
    yaml: aNodepoolYaml({ top: 'dburi: postgresql://same', targets: JENKINS }),
    secure: '[database]\ndburi=postgresql://same\n[jenkins "jenkins1"]\nurl=http://yaml/\n',
  });

  expect(warnings).toEqual([]);
});

test('a section for an unknown target, and a target whose Jenkins has no address, are warnings', () => {
  const { config, warnings } = parseTexts({
    yaml: aNodepoolYaml({ targets: 'targets: [{name: jenkins1, jenkins: {user: y}}]' }),
    secure: '[jenkins "jenkins2"]\nurl=http://secure\n',
  });

  expect(config?.targets[0]).not.toHaveProperty('jenkins');
  expect(inShort(warnings)).toEqual([
    'nodepool.yaml:4 There is no "url", here or in secure.conf: no Jenkins is configured for this target',
    'secure.conf:1 Section "jenkins" is for unknown target "jenkins2"',
  ]);
});

test('a section of a disk image holds variables of its build, spelled as the file spells them', () => {
  const { config, warnings } = parseTexts({
    yaml: aNodepoolYaml({ top: 'diskimages: [{name: rhel-7, env-vars: {REG_METHOD: portal, REG_USER: me}}]' }),
    secure: '[diskimage "rhel-7"]\nREG_PASSWORD = hunter2\nREG_USER=you\n[diskimage "gone"]\nA=b\n',
  });

  expect(config?.diskimages[0]?.secretEnv).toEqual({
    REG_PASSWORD: new Secret('hunter2'),
    REG_USER: new Secret('you'),
  });
  expect(JSON.stringify(config)).not.toContain('hunter2');
  expect(inShort(warnings)).toEqual([
    'nodepool.yaml:1 Variable "REG_USER" stands in secure.conf too, which wins',
    'secure.conf:4 Section "diskimage" is for unknown diskimage "gone"',
  ]);
});

test('what cannot be the name of a variable is a warning', () => {
  const { warnings } = read('[diskimage "rhel-7"]\nreg-password=hunter2\n');

  expect(warnings).toEqual(['secure.conf:2 Key "reg-password" is ignored: no variable can be called so']);
});
