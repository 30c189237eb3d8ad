import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { aLabelSection, anImageSection } from '../builders/config-of.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

const run = promisify(execFile);
const PASSWORD = 'rhsm-hush-hush';

/** An element that talks too much, and fails at first. */
const REGISTERS = `
echo "registering with $REG_PASSWORD"
printf 'host needs %s\\n' "$(cat "$HOME/keys/zuul.pub" 2>&1)"
while [ -e "$HOME/wait" ]; do sleep 0.05; done
[ -e "$HOME/keys/zuul.pub" ] || { echo "no key: $REG_PASSWORD was of no use"; exit 1; }
echo "image of $DIB_IMAGE_NAME" >"$out.qcow2"
`;

function keysOf(farm: RecipeFarm): Readonly<Record<string, unknown>> {
  return {
    'elements-dir': join(farm.folder, 'elements'),
    'build-log-dir': join(farm.folder, 'build-logs'),
    diskimages: [{ name: 'rhel-7', elements: ['rhel7', 'zuul-user'] }],
    providers: [farm.provider('cloud1', { images: [anImageSection({ name: 'rhel-7', diskimage: 'rhel-7' })] })],
    // Only tried out for now: nothing is built unless a command asks for it.
    labels: [aLabelSection({ image: 'rhel-7', 'min-ready': -1, providers: [{ name: 'cloud1' }] })],
  };
}

/** The command lines of all processes, and what their environments would tell another account: nothing. */
async function processes(): Promise<string> {
  return (await run('ps', ['-eo', 'args', '-ww'], { maxBuffer: 2 ** 24 })).stdout;
}

test(
  'a trial build: built by hand until its elements work, found by grep, its password seen by the build alone',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.write('build.sh', REGISTERS);
    farm.write('wait', '');
    farm.writeSecrets(`[diskimage "rhel-7"]\nREG_PASSWORD = ${PASSWORD}\n`);
    farm.writeConfig(keysOf(farm));
    const daemon = await farm.startDaemon();
    const builder = await farm.startBuilder();

    const failing = farm.run('image-build', 'rhel-7');
    await builder.logged(/nodepool[.]image[.]build[.]rhel-7: registering with \[redacted\]$/);
    expect(await processes()).not.toContain(PASSWORD);
    await run('rm', [join(farm.folder, 'wait')]);
    const failed = await failing;
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/^Disk image rhel-7 failed: .*no key: \[redacted\] was of no use$/m);

    farm.write('keys/zuul.pub', 'ssh-rsa AAAA zuul\n');
    const built = await farm.run('image-build', 'rhel-7');
    expect(built.stderr).toMatch(/^Disk image rhel-7 is ready: \S+\/images\/\d+$/m);
    const line = (await farm.nodepool('dib-image-list', '--detail'))
      .split('\n')
      .find((each) => each.includes('rhel-7'));
    expect(line).toMatch(/^[|] rhel-7-\d{10} [|] rhel-7 [|] \S+ +[|] qcow2 +[|] ready [|]/);
    expect(await farm.table('image-list')).toEqual([]); // no label uses it yet

    await farm.nodepool('export-image-data', 'images.json');
    const history = await farm.nodepool('history', '--dib-image', '1');
    const told = [...daemon.lines, ...builder.lines, failed.stdout, failed.stderr, built.stderr, history];
    const logs = farm.filesIn('build-logs').map((name) => farm.read(`build-logs/${name}`));
    expect(logs.length).toBeGreaterThan(0);
    const all = [...told, ...logs, farm.read('images.json'), await dumpOf(farm), farm.read('cloud/journal.jsonl')];
    for (const text of all) expect(text).not.toContain(PASSWORD);
  },
);

/** All rows of all tables as text. */
async function dumpOf({ database }: RecipeFarm): Promise<string> {
  const tables = await database.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
  );
  expect(tables.length).toBeGreaterThan(10);
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await database.query<{ row: string }>(`select t::text as row from ${name} t`);
    rows.push(...found.map(({ row }) => row));
  }
  return rows.join('\n');
}
