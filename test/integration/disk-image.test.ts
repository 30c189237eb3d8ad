import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BuilderProgram } from '../assembly/builder-program.ts';
import { aProviderSection, anImageSection } from '../builders/config-of.ts';
import { EmulatedCloud } from '../contract/openstack-client/emulated-cloud.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

test(
  'a disk image goes from its elements to a cloud: built, uploaded with its properties, its secret seen by nobody else',
  { timeout: 120_000 },
  async () => {
    await using cloud = await EmulatedCloud.start();
    await using bench = await BuilderProgram.open();
    bench.write('build.sh', 'echo "registered with $REG_PASSWORD"; head -c 300000 /dev/zero >"$out.raw"');
    bench.write('secure.conf', '[diskimage "trusty"]\nREG_PASSWORD = hush-hush\n');
    const image = anImageSection({ name: 'ci', diskimage: 'trusty', meta: { hw_disk_bus: 'virtio' } });
    const { origins, password, projectName } = cloud.account;
    const login = { 'auth-url': `${origins.identity}/v3`, username: 'nodepool', password, 'project-name': projectName };
    const provider = { ...login, name: 'emulated', 'image-type': 'raw', rate: 0.001, images: [image] };
    bench.writeConfig(['trusty'], { providers: [aProviderSection(provider)] });
    await using builder = await bench.running();

    const built = await bench.jobs.build({ diskimage: 'trusty', dibImageId: 7 }, neverAborted);
    const { externalId } = await bench.jobs.upload(
      {
        ...{ dibImageId: 7, provider: 'emulated', image: 'ci', cloudName: 'template-ci-1' },
        properties: { nodepool_upload_id: '3' },
      },
      neverAborted,
    );

    expect(built).toMatchObject({ filename: join(bench.imagesDir, '7'), formats: ['raw'] });
    expect(await cloud.provider.findImage(externalId, neverAborted)).toMatchObject({
      ...{ name: 'template-ci-1', status: 'active' },
      properties: { hw_disk_bus: 'virtio', nodepool_upload_id: '3' },
    });
    expect(builder.stderr).toContain('INFO nodepool.image.build.trusty: registered with [redacted]');
    expect(builder.stderr).toContain('INFO nodepool.image.upload.emulated: Image template-ci-1 is active in emulated');
    expect(builder.stderr).not.toContain('hush-hush');
    await expect(
      bench.jobs.upload({ dibImageId: 7, provider: 'gone', image: 'ci', cloudName: 'x', properties: {} }, neverAborted),
    ).rejects.toThrow('Cannot upload to unknown provider "gone"');
  },
);
