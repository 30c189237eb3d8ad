import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

/** Outside of the image: what only the builder's host has. */
const BRING_KEY = `#!/bin/sh
set -e
cp "$HOME/keys/id_rsa.pub" "$TMP_HOOKS_PATH/id_rsa.pub"
`;

/** Inside of the image. */
const ADD_USER = `#!/bin/sh
set -e
useradd --create-home jenkins
install -d -o jenkins -m 0700 ~jenkins/.ssh
install -o jenkins /tmp/in_target.d/id_rsa.pub ~jenkins/.ssh/authorized_keys
install -d -m 0777 /etc/nodepool
`;

/** As diskimage-builder goes through the hooks, but that nothing runs inside: the image is an archive of what would. */
const HOOKS = `
export TMP_HOOKS_PATH=$TMP_DIR/hooks
mkdir -p "$TMP_HOOKS_PATH/install.d"
for element in $elements; do
  folder=$ELEMENTS_PATH/$element
  [ -d "$folder" ] || { echo "Element '$element' not found in '$ELEMENTS_PATH'"; exit 1; }
  for hook in "$folder"/extra-data.d/*; do echo "running $hook"; "$hook" || exit; done
  cp "$folder"/install.d/* "$TMP_HOOKS_PATH/install.d/"
done
[ ! -e "$HOME/slow" ] || while [ ! -e "$HOME/go-on" ]; do sleep 0.05; done
tar -cf "$out.raw" -C "$TMP_HOOKS_PATH" .
`;

function writeFarm(farm: RecipeFarm): void {
  const element = 'elements/our-minimal';
  const hooks = { 'extra-data.d/10-key': BRING_KEY, 'install.d/50-jenkins': ADD_USER };
  for (const [name, text] of Object.entries(hooks)) {
    farm.write(`${element}/${name}`, text);
    chmodSync(join(farm.folder, element, name), 0o755);
  }
  farm.write('keys/id_rsa.pub', 'ssh-rsa AAAAB3NzaC1yc2E operator@example.org\n');
  farm.write('build.sh', HOOKS);
  const { 'auth-url': authUrl, username, password } = farm.login;
  // As many write it: the project's name beside `auth`, not in it.
  const profile = {
    ...{ auth: { auth_url: authUrl, username, password }, project_name: farm.login['project-name'] },
    regions: ['RegionOne'],
  };
  farm.write('.config/openstack/clouds.yaml', JSON.stringify({ clouds: { 'our-cloud': profile } }));
  farm.writeConfig({
    'elements-dir': join(farm.folder, 'elements'),
    cron: { cleanup: '*/30 * * * *', check: '*/15 * * * *' },
    targets: [{ name: 'default' }],
    diskimages: [{ name: 'dib-centos-7', elements: ['our-minimal'] }],
    providers: [
      {
        ...{ name: 'default', cloud: 'our-cloud', 'max-servers': 10, 'boot-timeout': 120, rate: 0.001 },
        ...{ networks: [{ name: 'private' }], 'image-type': 'raw', pool: 'nova', 'clean-floating-ips': true },
        images: [
          { name: 'centos-7', diskimage: 'dib-centos-7', username: 'jenkins', 'private-key': '/k', 'min-ram': 2048 },
        ],
      },
    ],
    labels: [{ name: 'centos-7', image: 'centos-7', 'min-ready': 0, providers: [{ name: 'default' }] }],
  });
}

test(
  'from nothing: an element of our own, three programs, and the image is in the cloud with what the element put there',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    writeFarm(farm);
    farm.write('slow', '');
    expect((await farm.run('config-validate')).status).toBe(0);
    const daemon = await farm.startDaemon();
    const builder = await farm.startBuilder();

    await daemon.logged(/WARNING nodepool[.]NodePool: Missing disk image dib-centos-7$/);
    await builder.logged(/nodepool[.]image[.]build[.]dib-centos-7: running \S+\/our-minimal\/extra-data[.]d\/10-key/);
    const building = await farm.nodepool('dib-image-list');
    expect(building).toMatch(/^[|] ID [|] Image +[|] Filename +[|] Version +[|] State +[|] Age +[|]$/m);
    // Where the files will be is the builder's to say.
    expect(building).toMatch(/^[|] 1 +[|] dib-centos-7 [|] None +[|] \d+ +[|] building [|] 00:00:\d\d:\d\d [|]$/m);

    await farm.cloud.addFault({ match: { path: '/file$' }, effect: { delayMs: 3000 } });
    farm.write('go-on', '');
    await daemon.logged(/WARNING nodepool[.]NodePool: Missing image centos-7 on default$/);
    builder.signal('SIGSTOP'); // or it might be done before we look
    const uploading = await farm.nodepool('image-list');
    expect(uploading).toMatch(
      /^[|] ID [|] Provider [|] Image +[|] Hostname +[|] Version +[|] Image ID [|] Server ID [|] State +[|] Age +[|]$/m,
    );
    expect(uploading).toMatch(/^[|] 1 +[|] default +[|] centos-7 [|] .* [|] None +[|] None +[|] building [|] 00:/m);
    builder.signal('SIGCONT');

    const [image] = await farm.untilTable(['image-list'], ([row]) => row?.['State'] === 'ready');
    const id = image?.['Image ID'] ?? '';
    expect(await farm.cloud.provider.findImage(id, neverAborted)).toMatchObject({ status: 'active' });
    const data = farm.read(`cloud/images/${id}`);
    expect(data).toContain('operator@example.org');
    expect(data).toContain('useradd --create-home jenkins');
    const [built] = await farm.table('dib-image-list');
    expect(built).toMatchObject({ Filename: join(farm.folder, 'images/1'), State: 'ready' });
    expect(farm.filesIn('images')).toContain('1.raw');
  },
);

test(
  'the daily commands: build again, upload again, delete a build and an image, each waits until it is done',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    writeFarm(farm);
    await farm.startDaemon();
    await farm.startBuilder();
    const areReady = (count: number) => (rows: readonly Readonly<Record<string, string>>[]) =>
      rows.length === count && rows.every(({ State }) => State === 'ready');
    await farm.untilTable(['image-list'], areReady(1));

    await farm.nodepool('image-build', 'dib-centos-7');
    await farm.untilTable(['image-list'], areReady(2));
    await farm.nodepool('image-upload', 'default', 'centos-7');
    const [oldest, newest] = await farm.untilTable(['image-list'], areReady(2)); // of three, two are kept
    await farm.nodepool('image-delete', oldest?.['ID'] ?? '');
    expect((await farm.table('image-list')).map(({ ID }) => ID)).toEqual([newest?.['ID']]);
    await farm.nodepool('dib-image-delete', '1');
    expect(farm.filesIn('images').filter((name) => name.startsWith('1.'))).toEqual([]);
    expect((await farm.table('dib-image-list')).map(({ ID, State }) => [ID, State])).toEqual([['2', 'ready']]);
  },
);

test(
  'an element that fails is told with its last words, and tried again until it is mended',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    writeFarm(farm);
    farm.write('elements/our-minimal/extra-data.d/10-key', '#!/bin/sh\necho "there is no key for jenkins"; exit 1\n');
    const daemon = await farm.startDaemon();
    await farm.startBuilder();

    await daemon.logged(/ERROR nodepool[.]ImageUpdater: Cannot build disk image dib-centos-7: .*there is no key/);
    const told = await farm.run('dib-image-list');
    expect(told.stderr).toMatch(
      /^Disk image dib-centos-7 failed once, tried again .*: .*there is no key for jenkins$/m,
    );

    farm.write('elements/our-minimal/extra-data.d/10-key', BRING_KEY);
    await farm.nodepool('image-build', 'dib-centos-7'); // at once
    expect((await farm.run('dib-image-list')).stderr).toBe('');
    await farm.untilTable(['image-list'], ([row]) => row?.['State'] === 'ready');
  },
);
